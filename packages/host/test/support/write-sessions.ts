// A process of its own: node write-sessions.ts FOLDER PREFIX COUNT writes COUNT sessions into the catalogue in FOLDER, and one that all writers share.
import { openCatalogue } from '../../src/catalogue/open-catalogue.ts'
import { catalogued } from './catalogued.ts'

const [folder = '', prefix = '', count = '0'] = process.argv.slice(2)
const catalogue = await openCatalogue({ folder })
if (catalogue === undefined) throw new Error('The catalogue can not be opened.')
for (let written = 1; written <= Number(count); written += 1) {
  const own = catalogued(`${prefix}-${written}`, [written])
  await catalogue.changing(own.name)
  await catalogue.changed(own)
  const shared = catalogued(
    'shared',
    Array.from({ length: written }, (_, index) => index + 1),
  )
  await catalogue.changing(shared.name)
  await catalogue.changed(shared)
}
catalogue.close()
