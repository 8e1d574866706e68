/** The end of a checkpoint id, as people are shown it and every command takes it. */
export function shortId(id: string): string {
  return id.slice(-8)
}
