/** Those of the positions that are to be kept. A typed array's own filter gathers them in an ordinary array first, of eight bytes each. */
export function positionsWhere(positions: Int32Array, isKept: (position: number) => boolean): Int32Array {
  const kept = new Int32Array(positions.length)
  let count = 0
  for (let at = 0; at < positions.length; at++) {
    const position = positions[at] ?? -1
    if (isKept(position)) kept[count++] = position
  }
  return kept.subarray(0, count)
}
