import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Store } from "effect-lsm"

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

export const text = (bytes: Uint8Array): string => decoder.decode(bytes)

/** A plain copy, so that assertions compare the bytes and not their underlying buffers. */
export const plain = (bytes: Uint8Array): Array<number> => [...bytes]

/** Collects a stream into an array. */
export const toArray = <A, E, R>(stream: Stream.Stream<A, E, R>): Effect.Effect<Array<A>, E, R> =>
  Effect.map(Stream.runCollect(stream), (all) => [...all])

export type Pair = readonly [key: string, value: string]

/** The entries of a scan as pairs of strings. */
export const pairs = <E, R>(stream: Stream.Stream<Store.Entry, E, R>): Effect.Effect<Array<Pair>, E, R> =>
  Effect.map(toArray(stream), (entries) => entries.map(({ key, value }) => [text(key), text(value)] as const))

/** The keys of a scan as strings. */
export const keys = <E, R>(stream: Stream.Stream<Uint8Array, E, R>): Effect.Effect<Array<string>, E, R> =>
  Effect.map(toArray(stream), (all) => all.map(text))
