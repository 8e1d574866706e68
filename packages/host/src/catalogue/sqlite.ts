export { loadSqlite, withoutSqliteWarning } from '@palimpsest/transcripts'
