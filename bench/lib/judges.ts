import type { Judge } from "./row.js"

export const us = "effect-lsm"

const isPeer = (contender: string): boolean => !contender.startsWith(us)

interface Best {
  readonly name: string
  readonly value: number
}

/** Ours against the best of the contenders that `among` picks, which are all peers if it is not given. */
const against = (
  factor: number,
  figure: string,
  among: (contender: string) => boolean,
  least: boolean,
  one: string
): Judge => {
  return (median, contenders) => {
    const ours = median(one, figure)
    const best = contenders.filter(among).reduce<Best | undefined>((best, name) => {
      const value = median(name, figure)
      if (value === undefined || Number.isNaN(value)) return best
      const better = best === undefined || (least ? value < best.value : value > best.value)
      return better ? { name, value } : best
    }, undefined)
    if (ours === undefined || best === undefined) return undefined
    const ratio = least ? best.value / ours : ours / best.value
    const text = `${one} to ${best.name} in ${figure}: ${ratio.toFixed(2)} times as good, wanted ${factor}`
    return { text, met: ratio >= factor, ratio }
  }
}

/** That ours does `factor` times as much as the best peer. */
export const asFastAsBest = (factor = 1, figure = "ops/s", one = us): Judge =>
  against(factor, figure, isPeer, false, one)

/** That ours does `factor` times as much as the peers whose names begin so. */
export const asFastAs = (peer: string, factor = 1, figure = "ops/s", one = us): Judge =>
  against(factor, figure, (name) => name.startsWith(peer), false, one)

/** That ours needs no more than the peers whose names begin so, by `factor`. */
export const asSmallAs = (peer: string, figure: string, factor = 1, one = us): Judge =>
  against(factor, figure, (name) => name.startsWith(peer), true, one)

/** That a figure of ours stays below a bound. */
export const below =
  (bound: number, figure: string, one = us): Judge =>
  (median) => {
    const value = median(one, figure)
    if (value === undefined) return undefined
    return { text: `${one}, ${figure}: ${value.toFixed(2)}, wanted below ${bound}`, met: value < bound }
  }

/** That one contender has at least `factor` times the figure of another. */
export const atLeast =
  (one: string, factor: number, other: string, figure = "ops/s"): Judge =>
  (median) => {
    const [a, b] = [median(one, figure), median(other, figure)]
    if (a === undefined || b === undefined) return undefined
    const ratio = a / b
    return { text: `${one} / ${other} = ${ratio.toFixed(2)}, wanted ${factor}`, met: ratio >= factor }
  }
