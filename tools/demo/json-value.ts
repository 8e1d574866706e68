import { FalseClaim } from './step.ts'

/** What stands at a path of a JSON value; `undefined` where there is nothing. */
function at(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined), value)
}

/** The string there. Throws `FalseClaim` when there is none. */
export function textAt(value: unknown, ...path: readonly (string | number)[]): string {
  const found = at(value, path)
  if (typeof found === 'string') return found
  throw new FalseClaim(`${path.join('.')} should be a string in ${JSON.stringify(value)}`)
}

/** The list there. Throws `FalseClaim` when there is none. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found: unknown = at(value, path)
  if (Array.isArray(found)) return found
  throw new FalseClaim(`${path.join('.')} should be a list in ${JSON.stringify(value)}`)
}
