import type { BadLine, PlainMessage } from '@palimpsest/core'
import type { DecodedEntry } from './entry-decoder.ts'
import { type PiHeader, piHeader } from './format.ts'
import { digitsOf, wordOf } from './line-head.ts'

/** Follows lines in file order as long as each is on one way from the header to a leaf, and can stay in a new file as it is. */
export interface StraightWay {
  line(line: DecodedEntry | BadLine): void
  message(message: Pick<PlainMessage, 'id' | 'hasParent' | 'parent'>): void
  /** The first line, once it was seen. */
  header(): PiHeader | undefined
  /** Whether no line was seen yet that is not on the way, or behind the leaf. */
  goesOn(): boolean
  /** Whether it goes on, and the leaf was the last line. */
  isAtLeaf(): boolean
  /** It goes on no more. */
  end(): void
}

/** A way on which nothing is yet. */
export function straightWay(leafId: string): StraightWay {
  const leafWord = wordOf(leafId)
  let header: PiHeader | undefined
  let goesOn = true
  let isAtLeaf = false
  // The entry before, by its id or by the 32 bits of it.
  let latestId: string | undefined
  let latestWord: number | undefined
  const follow = (isNext: boolean): void => {
    goesOn &&= isNext && header !== undefined && !isAtLeaf
  }
  return {
    line(line) {
      if ('kind' in line) return follow(false)
      const { id, parentId, kind } = line.indexed
      if (header === undefined && goesOn) {
        header = piHeader(line.value)
        goesOn = header !== undefined
        return
      }
      follow(line.verbatim && kind !== 'header' && parentId === (latestWord === undefined ? latestId : digitsOf(latestWord)))
      latestId = id
      latestWord = undefined
      isAtLeaf = id === leafId
    },
    message({ id, hasParent, parent }) {
      latestWord ??= latestId === undefined ? undefined : wordOf(latestId)
      follow(hasParent ? parent === latestWord : latestId === undefined && latestWord === undefined)
      latestId = undefined
      latestWord = id
      isAtLeaf = id === leafWord
    },
    header: () => header,
    goesOn: () => goesOn,
    isAtLeaf: () => goesOn && isAtLeaf,
    end() {
      goesOn = false
    },
  }
}
