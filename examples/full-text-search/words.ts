const segmenter = new Intl.Segmenter("en", { granularity: "word" })
const longest = 64

/**
 * The words of a text, in order, in the form in which they are compared: small letters without accents. So "Éléments" is the word
 * "elements". The boundaries are those of Unicode Standard Annex #29, and a dictionary's for languages without spaces.
 */
export const wordsOf = (text: string): ReadonlyArray<string> => {
  const plain = text
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase()
  const words: Array<string> = []
  for (const { segment, isWordLike } of segmenter.segment(plain)) {
    // What is longer is no word, and half a surrogate pair is no character.
    if (isWordLike === true && segment.length <= longest && !/\p{Surrogate}/u.test(segment)) words.push(segment)
  }
  return words
}
