/** Words that stand nearly everywhere in English prose, and say nothing of what is looked for. */
const stopWords: ReadonlySet<string> = new Set(
  `a about above after again all also am an and any are as at be because been before being below between both but by can could did do does doing down
  during each few for from further had has have having he her here hers him his how i if in into is it its itself just me more most my myself no nor
  not now of off on once only or other our ours out over own same she should so some such than that the their theirs them then there these they this
  those through to too under until up us very was we were what when where which while who whom why will with would you your yours`.split(
    /\s+/,
  ),
)

/** Whether a word, in any case, is one of them. */
export function isStopWord(word: string): boolean {
  return stopWords.has(word.toLowerCase())
}

/** Whether a text reads as prose: of its first words at least one in ten is a stop-word. */
export function readsAsProse(text: string): boolean {
  const words = text.slice(0, 1_500).match(/[A-Za-z]+/g) ?? []
  return words.filter(isStopWord).length * 10 >= words.length
}
