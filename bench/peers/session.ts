import { type Open, opener } from "../lib/session.js"
import { measureAsync, measureSync } from "../lib/slices.js"
import { callsOf, type Kind, loops } from "../loops/index.js"
import type { Loops } from "../loops/loop.js"
import type { AsyncCalls, Peer, SyncCalls } from "./peer.js"

/** Which calls of a peer are used. `best` uses the synchronous ones if the peer has them. */
export type Style = "sync" | "async" | "best"

const offersSync = (peer: Peer, kind: Kind) => callsOf[kind].every((call) => peer.sync.includes(call))

const offersAsync = (peer: Peer, kind: Kind) => callsOf[kind].every((call) => peer.async.includes(call))

export const offers = (peer: Peer, style: Style, kind: Kind): boolean =>
  style === "best" || (style === "sync" ? offersSync(peer, kind) : offersAsync(peer, kind))

export const openPeer = (peer: Peer, style: Style): Open =>
  opener(peer.name, peer.load, async (directory, settings) => {
    const { sync, async, compact, close } = await peer.open(directory, settings)
    return {
      run: async (kind, work, course) => {
        // Preparation may use any call. Measured loops use the calls of their style.
        const atOnce = style === "async" ? !offersAsync(peer, kind) : offersSync(peer, kind)
        const loop: Loops = loops[kind]
        return atOnce && loop.sync !== undefined
          ? measureSync(course, loop.sync(sync as SyncCalls, work))
          : measureAsync(course, loop.async(async as AsyncCalls, work, sync))
      },
      compact,
      close
    }
  })
