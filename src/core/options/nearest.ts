/** A name in lower case, without what separates its words. */
const bare = (name: string): string => name.replaceAll(/[-_.\s]/g, "").toLowerCase()

/** Edits that make one word of the other: letters added, removed, changed, or two neighbours swapped. */
const distance = (a: string, b: string): number => {
  let beforeLast: ReadonlyArray<number> = []
  let last: ReadonlyArray<number> = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(Math.min(last[j]! + 1, row[j - 1]! + 1, changed, swapped ? beforeLast[j - 2]! + 1 : changed))
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}

/** Longer names are of no interest, and the distance takes the product of both lengths. */
const longest = 100

/**
 * The known name that is nearest to another, if it is near: at most a third of its letters have to be
 * edited, and one at least.
 */
export const nearest = (name: string, known: ReadonlyArray<string>): string | undefined => {
  if (name.length > longest) return undefined
  let best: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const other of known) {
    const edits = distance(bare(name), bare(other))
    if (edits < least && edits <= Math.max(1, bare(other).length / 3)) {
      best = other
      least = edits
    }
  }
  return best
}

/** What is said of an unknown name. */
export const unknownName = (name: string, known: ReadonlyArray<string>): string => {
  const near = nearest(name, known)
  return near === undefined ? "is not an option" : `is not an option; the nearest is ${near}`
}
