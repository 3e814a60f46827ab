import type { Tuning } from "effect-lsm/LsmOptions"
import { us } from "../lib/judges.js"
import type { Figures, Row, Run } from "../lib/row.js"
import { type Open, opener } from "../lib/session.js"
import type { Kind } from "../loops/index.js"
import type { otherLoops } from "../ours/session.js"
import { peers } from "../peers/index.js"
import type { Settings } from "../peers/peer.js"
import { offers, openPeer, type Style } from "../peers/session.js"

export type Measure = (open: Open, run: Run) => Promise<Figures>

export type Other = keyof typeof otherLoops

/** effect-lsm, loaded only in the process that measures it. */
const load = () => import("../ours/session.js")

export const openUs = (other?: Other, tuning: Tuning = {}): Open =>
  opener(`${us} ${JSON.stringify(tuning)}`, load, async (directory, settings) => {
    const { openOurs, otherLoops } = await load()
    return openOurs(other === undefined ? {} : otherLoops[other], tuning)(directory, settings)
  })

/** effect-lsm with compactions in a separate thread. */
const openUsInThread = (other?: Other): Open =>
  opener(`${us} {}`, load, async (directory, settings) => {
    const { openOurs, otherLoops } = await load()
    const { makeStore } = await import("effect-lsm/CompactionWorker")
    return openOurs(other === undefined ? {} : otherLoops[other], {}, makeStore)(directory, settings)
  })

/** A contender for effect-lsm with compactions in a separate thread. */
export const inThread = (measure: Measure, other?: Other): Row["contenders"] => ({
  [`${us} in a thread`]: (run) => measure(openUsInThread(other), run)
})

const withSettings = (open: Open, changed: Partial<Settings>): Open =>
  opener(`${open.store} ${JSON.stringify(changed)}`, open.load, (directory, settings) =>
    open(directory, { ...settings, ...changed })
  )

/** Contenders for the usual loops of effect-lsm and for each of `others`. */
export const ours = (measure: Measure, others: ReadonlyArray<Other> = []): Row["contenders"] => ({
  [us]: (run) => measure(openUs(), run),
  ...Object.fromEntries(others.map((other) => [`${us} ${other}`, (run: Run) => measure(openUs(other), run)]))
})

/**
 * A contender for each peer that has the calls. With `variant` only the peers in `only`, opened
 * with the settings in `changed`; `label` becomes part of their names.
 */
export const peersBy = (
  kind: Kind,
  styles: ReadonlyArray<Style>,
  measure: Measure,
  variant?: { readonly label: string; readonly changed: Partial<Settings>; readonly only: ReadonlyArray<string> }
): Row["contenders"] => {
  const named = peers
    .filter(({ name }) => variant === undefined || variant.only.includes(name))
    .flatMap((peer) => styles.filter((style) => offers(peer, style, kind)).map((style) => ({ peer, style })))
    .map(({ peer, style }) => {
      const open = openPeer(peer, style)
      const name = [peer.name, variant?.label, style === "best" ? undefined : `(${style})`]
      const contender = (run: Run) => measure(variant === undefined ? open : withSettings(open, variant.changed), run)
      return [name.filter((part) => part !== undefined).join(" "), contender] as const
    })
  return Object.fromEntries(named)
}

/** effect-lsm, and each peer with its fastest calls. */
export const everyone = (measure: Measure): Row["contenders"] => ({
  ...ours(measure),
  ...peersBy("puts", ["best"], measure)
})
