import type { Call } from "../peers/peer.js"
import type { Loops } from "./loop.js"
import { queue, readsInTurns, readsWhileWriting, ycsb } from "./mixed.js"
import { getManys, gets, seeks, walks } from "./reads.js"
import { timedGets, timedMix, timedPuts } from "./timed.js"
import { batches, concurrentPuts, deletes, puts } from "./writes.js"

/** The loops by kind. effect-lsm has the same loops as Effects. */
export const loops = {
  puts,
  timedPuts,
  concurrentPuts,
  batches,
  deletes,
  gets,
  timedGets,
  getManys,
  walks: walks(false),
  reverseWalks: walks(true),
  seeks,
  readsWhileWriting,
  readsInTurns,
  queue,
  ycsb,
  timedMix
} satisfies Readonly<Record<string, Loops>>

export type Kind = keyof typeof loops

/** The calls that a loop makes. */
export const callsOf: Readonly<Record<Kind, ReadonlyArray<Call>>> = {
  puts: ["put"],
  timedPuts: ["put"],
  concurrentPuts: ["put"],
  batches: ["batch"],
  deletes: ["delete"],
  gets: ["get"],
  timedGets: ["get"],
  getManys: ["getMany"],
  walks: ["readAll"],
  reverseWalks: ["readAll"],
  seeks: ["seek"],
  readsWhileWriting: ["put", "get"],
  readsInTurns: ["put", "get"],
  queue: ["put", "delete", "seek"],
  ycsb: ["put", "get", "seek"],
  timedMix: ["put", "get"]
}
