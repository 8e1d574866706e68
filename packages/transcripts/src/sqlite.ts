type Sqlite = typeof import('node:sqlite')

/** Node's own SQLite, loaded when it is first asked for, so that a hook that needs no database doesn't pay for it. */
export function loadSqlite(): Sqlite {
  loaded ??= withoutSqliteWarning(() => process.getBuiltinModule('node:sqlite'))
  return loaded
}

let loaded: Sqlite | undefined

/** Some of the Node versions that we support warn once that SQLite is experimental. Only that warning is left out. */
export function withoutSqliteWarning<Value>(load: () => Value): Value {
  const descriptor = Object.getOwnPropertyDescriptor(process, 'emitWarning')
  const emitWarning = process.emitWarning
  process.emitWarning = (...args: unknown[]) => {
    const [warning, type] = args
    if (type === 'ExperimentalWarning' && typeof warning === 'string' && warning.startsWith('SQLite ')) return
    Reflect.apply(emitWarning, process, args)
  }
  try {
    return load()
  } finally {
    if (descriptor === undefined) Reflect.deleteProperty(process, 'emitWarning')
    else Object.defineProperty(process, 'emitWarning', descriptor)
  }
}
