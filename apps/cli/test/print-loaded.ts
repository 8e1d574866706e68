// Loaded before a program: writes the address of every module it loads to standard error.
import { registerHooks } from 'node:module'

registerHooks({
  load(url, context, nextLoad) {
    process.stderr.write(`${url}\n`)
    return nextLoad(url, context)
  },
})
