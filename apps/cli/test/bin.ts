// What bin/palimpsest.js does, on the sources.
import { main } from '../src/main.ts'

await main()
