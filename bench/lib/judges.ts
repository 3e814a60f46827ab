import type { Judge } from "./row.js"

export const us = "effect-lsm"

const isPeer = (contender: string): boolean => !contender.startsWith(us)

interface Best {
  readonly name: string
  readonly value: number
}

/** Compares `one` with the best of the contenders that `among` selects. */
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

/** Requires `factor` times the figure of the best peer. */
export const asFastAsBest = (factor = 1, figure = "ops/s", one = us): Judge =>
  against(factor, figure, isPeer, false, one)

/** Requires `factor` times the figure of the peers whose names begin with `peer`. */
export const asFastAs = (peer: string, factor = 1, figure = "ops/s", one = us): Judge =>
  against(factor, figure, (name) => name.startsWith(peer), false, one)

/**
 * Requires that the figure, times `factor`, is not above that of the peers whose names begin with
 * `peer`.
 */
export const asSmallAs = (peer: string, figure: string, factor = 1, one = us): Judge =>
  against(factor, figure, (name) => name.startsWith(peer), true, one)

/** Requires that a figure is below a bound. */
export const below =
  (bound: number, figure: string, one = us): Judge =>
  (median) => {
    const value = median(one, figure)
    if (value === undefined) return undefined
    return { text: `${one}, ${figure}: ${value.toFixed(2)}, wanted below ${bound}`, met: value < bound }
  }

/** Requires that one contender has at least `factor` times the figure of another. */
export const atLeast =
  (one: string, factor: number, other: string, figure = "ops/s"): Judge =>
  (median) => {
    const [a, b] = [median(one, figure), median(other, figure)]
    if (a === undefined || b === undefined) return undefined
    const ratio = a / b
    return { text: `${one} / ${other} = ${ratio.toFixed(2)}, wanted ${factor}`, met: ratio >= factor }
  }
