import { makeRandom } from "./data.js"

/**
 * Draws zipfian ranks below `count`, by the method of Gray et al., "Quickly Generating
 * Billion-Record Synthetic Databases" (SIGMOD 1994), with the constant 0.99 of YCSB (Cooper et al.,
 * "Benchmarking Cloud Serving Systems with YCSB", SoCC 2010).
 */
export const makeZipfian = (count: number, seed: number, theta = 0.99) => {
  const random = makeRandom(seed)
  let zeta = 0
  for (let i = 1; i <= count; i++) zeta += 1 / i ** theta
  const zeta2 = 1 + 0.5 ** theta
  const alpha = 1 / (1 - theta)
  const eta = (1 - (2 / count) ** (1 - theta)) / (1 - zeta2 / zeta)
  return (): number => {
    const u = random() / 2 ** 32
    const uz = u * zeta
    if (uz < 1) return 0
    if (uz < zeta2) return 1
    return Math.min(count - 1, Math.floor(count * (eta * u - eta + 1) ** alpha))
  }
}
