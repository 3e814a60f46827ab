/**
 * Returns nearly the fewest commands that still fail. Leaves out pieces, ever smaller ones, as long
 * as the rest fails (A. Zeller, R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input",
 * IEEE TSE 2002).
 */
export const shrink = async <A>(
  commands: ReadonlyArray<A>,
  fails: (commands: ReadonlyArray<A>) => Promise<boolean>
): Promise<ReadonlyArray<A>> => {
  let left = commands
  for (let size = Math.ceil(left.length / 2); ; size = Math.ceil(size / 2)) {
    let start = 0
    while (start < left.length) {
      const without = [...left.slice(0, start), ...left.slice(start + size)]
      if (await fails(without)) left = without
      else start += size
    }
    if (size === 1) return left
  }
}
