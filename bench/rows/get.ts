import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { withFilledLevel } from "../lib/classicLevel.js"
import { makeData, shuffled, valueSize } from "../lib/data.js"
import { withFilledStore } from "../lib/ours.js"
import { atLeast, type Contender, expect, measure, measureEffect, type Row } from "../lib/row.js"

/** Keys to look up, in random order: all of them twice, so that caches and code are warm when it counts. */
const lookups = (keys: ReadonlyArray<Uint8Array>) => {
  const measured = shuffled(keys, 4)
  return { warm: measured, measured }
}

const effectGet: Contender = ({ entries, directory }) => {
  const data = makeData(entries)
  const { warm, measured } = lookups(data.keys)
  return withFilledStore(directory, data, (store) => {
    const read = (keys: ReadonlyArray<Uint8Array>) =>
      Effect.gen(function* () {
        let bytes = 0
        for (let i = 0; i < keys.length; i++) {
          const value = yield* store.get(keys[i]!)
          if (Option.isSome(value)) bytes += value.value.length
        }
        expect("bytes read", bytes, keys.length * valueSize)
      })
    return Effect.zipRight(read(warm), measureEffect(entries, read(measured)))
  })
}

const effectUnsafeGet: Contender = ({ entries, directory }) => {
  const data = makeData(entries)
  const { warm, measured } = lookups(data.keys)
  return withFilledStore(directory, data, (store) => {
    const read = (keys: ReadonlyArray<Uint8Array>) =>
      Effect.sync(() => {
        let bytes = 0
        for (let i = 0; i < keys.length; i++) bytes += store.unsafeGet(keys[i]!)?.length ?? 0
        expect("bytes read", bytes, keys.length * valueSize)
      })
    return Effect.zipRight(read(warm), measureEffect(entries, read(measured)))
  })
}

const levelGet: Contender = ({ entries, directory }) => {
  const data = makeData(entries)
  const { warm, measured } = lookups(data.keys)
  return withFilledLevel(directory, data, async (level) => {
    const read = async (keys: ReadonlyArray<Uint8Array>) => {
      let bytes = 0
      for (let i = 0; i < keys.length; i++) bytes += (await level.get(keys[i]!))?.length ?? 0
      expect("bytes read", bytes, keys.length * valueSize)
    }
    await read(warm)
    return measure(entries, () => read(measured))
  })
}

const levelGetSync: Contender = ({ entries, directory }) => {
  const data = makeData(entries)
  const { warm, measured } = lookups(data.keys)
  return withFilledLevel(directory, data, (level) => {
    const read = (keys: ReadonlyArray<Uint8Array>) => {
      let bytes = 0
      for (let i = 0; i < keys.length; i++) bytes += level.getSync(keys[i]!)?.length ?? 0
      expect("bytes read", bytes, keys.length * valueSize)
    }
    read(warm)
    return measure(entries, () => read(measured))
  })
}

export const get: Row = {
  title: "get, random",
  contenders: { "effect-lsm": effectGet, "classic-level": levelGet },
  judge: atLeast("effect-lsm", 1, "classic-level")
}

export const getSync: Row = {
  title: "get, random, against getSync",
  contenders: { "effect-lsm": effectGet, "classic-level": levelGetSync },
  judge: atLeast("effect-lsm", 1, "classic-level")
}

export const unsafeGet: Row = {
  title: "unsafeGet, random, against getSync",
  contenders: { "effect-lsm": effectUnsafeGet, "classic-level": levelGetSync }
}
