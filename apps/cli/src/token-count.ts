/** Tokens for people, in groups of three: `175,004`. */
export function tokenCount(tokens: number): string {
  return tokens.toLocaleString('en-US')
}

/** Tokens before and after a compaction, as far as they are known: `175,004 → 12,300`, `175,004`, `→ 12,300`, nothing. */
export function tokenChange(counts: { readonly tokensBefore?: number | undefined; readonly tokensAfter?: number | undefined }): string {
  const before = counts.tokensBefore === undefined ? '' : tokenCount(counts.tokensBefore)
  if (counts.tokensAfter === undefined) return before
  return `${before} → ${tokenCount(counts.tokensAfter)}`.trimStart()
}
