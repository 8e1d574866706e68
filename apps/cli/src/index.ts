// The complete public surface of @palimpsest/cli. Whatever is named here is public API, so name it one by one.

export type { CliContext } from './context.ts'
export { run } from './run.ts'
