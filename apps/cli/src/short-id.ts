/** How many characters at the end of a checkpoint id stand for it in tables. */
const shortIdLength = 8

/** The end of a checkpoint id, as every command takes it. */
export function shortId(id: string): string {
  return id.slice(-shortIdLength)
}
