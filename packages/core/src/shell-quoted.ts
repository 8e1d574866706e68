const plain = /^[A-Za-z0-9_@%+=:,./-]+$/

/** A command line for a POSIX shell: every argument that isn't plain stands in single quotes. */
export function shellQuoted(argv: readonly string[]): string {
  return argv.map((argument) => (plain.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`)).join(' ')
}
