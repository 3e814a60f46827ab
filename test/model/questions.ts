import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { LsmError, Store } from "effect-lsm"
import type { CommandOf } from "./commands.js"
import type { Content } from "./content.js"
import { bytes, hexOf, rangeOf, textOf, transfer } from "./text.js"

/** The contents that a reader may see. */
export interface View {
  readonly candidates: ReadonlyArray<Content>
  /** Keeps the candidates that explain an observation. Returns false if none does. */
  observe(explains: (content: Content) => boolean): boolean
}

export type Question = {
  [Tag in "Get" | "GetMany" | "Scan" | "Count"]: Omit<CommandOf<Tag>, "from">
}["Get" | "GetMany" | "Scan" | "Count"]

/** Reads the store, with a result as text, and computes the result that a content must give. */
interface Answer {
  readonly ask: () => Effect.Effect<string, LsmError.ReadError>
  readonly expect: (content: Content) => string
}

const absent = "none"
const row = (key: string, value: string): string => `${key}=${value}`
const join = (lines: ReadonlyArray<string>): string => lines.join("\n")

export const showAll = (content: Content): string => join(content.rows({}).map(([key, value]) => row(key, value)))

/** `between` runs after each entry of a scan. */
export const answerOf = (
  question: Question,
  store: Store.Store,
  snapshot: Store.Snapshot | undefined,
  between?: Effect.Effect<void>
): Answer => {
  switch (question._tag) {
    case "Get": {
      const key = bytes(question.key)
      return {
        ask: () =>
          Effect.gen(function* () {
            const value = yield* store.getString(key, { snapshot })
            const plain = yield* store.get(key, { snapshot })
            const lent = "getWith" in store ? yield* store.getWith(key, textOf, { snapshot }) : value
            const there = yield* store.has(key, { snapshot })
            const answer = Option.getOrElse(value, () => absent)
            const unsafe = yield* Effect.try({
              // A transaction has no such call.
              try: () => ("unsafeGet" in store ? store.unsafeGet(key, { snapshot }) : Option.getOrUndefined(plain)),
              catch: (error) => error as LsmError.ReadError
            })
            const same =
              Option.match(plain, { onNone: () => absent, onSome: textOf }) === answer &&
              Option.getOrElse(lent, () => absent) === answer &&
              (unsafe === undefined ? absent : textOf(unsafe)) === answer &&
              there === Option.isSome(value)
            return same ? answer : `${answer}, but other lookups differ`
          }),
        expect: (content) => content.get(question.key) ?? absent
      }
    }
    case "GetMany":
      return {
        ask: () =>
          Effect.map(store.getMany(question.keys.map(bytes), { snapshot }), (values) =>
            join(values.map(Option.match({ onNone: () => absent, onSome: textOf })))
          ),
        expect: (content) => join(question.keys.map((key) => content.get(key) ?? absent))
      }
    case "Count":
      return {
        ask: () => Effect.map(store.count({ ...rangeOf(question), snapshot }), String),
        expect: (content) => String(content.rows(question).length)
      }
    case "Scan": {
      const { chunkSize, limit, reverse, transferEvery, what } = question
      const options = { ...rangeOf(question), limit, reverse, chunkSize, snapshot }
      let seen = 0
      /** After the buffer of a value is transferred, all other entries must still be right. */
      const read =
        <A>(show: (given: A) => string, bytesOf: (given: A) => Uint8Array) =>
        (given: A) => {
          const shown = show(given)
          if (transferEvery > 0 && ++seen % transferEvery === 0) transfer(bytesOf(given))
          return shown
        }
      const rowOf = read(
        ({ key, value }: Store.Entry) => row(hexOf(key), textOf(value)),
        ({ value }) => value
      )
      const own = (given: Uint8Array) => given
      const ways: Record<typeof what, () => Stream.Stream<string, LsmError.ReadError>> = {
        scan: () => Stream.map(store.scan(options), rowOf),
        entries: () => Stream.map(store.entries(options), rowOf),
        collect: () => Stream.map(Stream.fromIterableEffect(store.collect(options)), rowOf),
        keys: () => Stream.map(store.keys(options), read(hexOf, own)),
        values: () => Stream.map(store.values(options), read(textOf, own))
      }
      const lines = ways[what]()
      const all = between === undefined ? lines : Stream.tap(lines, () => between)
      return {
        ask: () => Effect.map(Stream.runCollect(all), (found) => join([...found])),
        expect: (content) => {
          const rows = content.rows(question)
          const ordered = (reverse ? [...rows].reverse() : rows).slice(0, limit)
          return join(
            ordered.map(([key, value]) => (what === "keys" ? key : what === "values" ? value : row(key, value)))
          )
        }
      }
    }
  }
}
