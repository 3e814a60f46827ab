import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Keyspace, type KeyspaceError, type OrderedStore, type Store } from "effect-lsm"
import type { Person } from "./rowCommands.js"

/** The first version of the values, and those that follow it. */
const First = Schema.Struct({ mail: Schema.String, place: Schema.String, size: Schema.String })
const Second = Schema.Struct({ mail: Schema.String, city: Schema.NullOr(Schema.String), size: Schema.Number })
const Third = Schema.Struct({ ...Second.fields, twice: Schema.Number })

const none = "none"
const up = ({ mail, place, size }: typeof First.Type): typeof Second.Type => ({
  mail,
  city: place === none ? null : place,
  size: Number(size)
})
const down = ({ city, mail, size }: Person): typeof First.Type => ({ mail, place: city ?? none, size: `${size}` })

const CityKey = Schema.Struct({ city: Schema.String, size: Schema.Number })

/** How a version of the program sees its rows. */
interface Version<V> {
  readonly keyspace: Keyspace.Keyspace<number, V>
  readonly byMail: Keyspace.Index<number, V, string>
  readonly byCity: Keyspace.Index<number, V, typeof CityKey.Type>
  readonly bySize?: Keyspace.Index<number, V, number>
  /** How the last index changes sizes. */
  readonly sizeOf?: (size: number) => number
  readonly valueOf: (person: Person) => V
  readonly personOf: (value: V) => Person
}

export const peopleName = "people"
export const sizeIndex = "size"

const indexesOf = <V>(personOf: (value: V) => Person) => ({
  byMail: Keyspace.index({
    name: "mail",
    on: Schema.String,
    of: (value: V, _: number) => personOf(value).mail,
    unique: true
  }),
  byCity: Keyspace.index({
    name: "city",
    on: CityKey,
    of: (value: V, _: number) => {
      const { city, size } = personOf(value)
      return city === null ? undefined : { city, size }
    }
  })
})

const versionOf = <V, VI>(
  value: Keyspace.Options<number, number, V, VI>["value"],
  migrations: Keyspace.Options<number, number, V, VI>["migrations"],
  valueOf: (person: Person) => V,
  personOf: (value: V) => Person,
  size?: { readonly version: number; readonly of: (size: number) => number }
): Version<V> => {
  const { byCity, byMail } = indexesOf(personOf)
  const bySize =
    size &&
    Keyspace.index({
      name: sizeIndex,
      on: Schema.Number,
      of: (given: V, _: number) => size.of(personOf(given).size),
      version: size.version
    })
  const indexes = bySize === undefined ? [byMail, byCity] : [byMail, byCity, bySize]
  const keyspace = Keyspace.make({ name: peopleName, key: Schema.Number, value, indexes, migrations })
  return { keyspace, byMail, byCity, valueOf, personOf, ...(bySize && { bySize, sizeOf: size.of }) }
}

const same = <A>(value: A): A => value
const toThird = (person: Person): typeof Third.Type => ({ ...person, twice: person.size * 2 })
const fromThird = ({ city, mail, size, twice }: typeof Third.Type): Person =>
  twice === size * 2 ? { mail, city, size } : { mail: `${mail}, but twice ${size} is ${twice}`, city, size }
const toSecond = Keyspace.migration(First, up)
const allSteps = toSecond.next(Second, toThird)

const first = versionOf(First, undefined, down, up)
const second = versionOf(Second, toSecond, same<Person>, same<Person>)
const third = versionOf(Third, allSteps, toThird, fromThird)
const indexed = versionOf(Third, allSteps, toThird, fromThird, { version: 1, of: (size) => -size })
const otherwise = versionOf(Third, allSteps, toThird, fromThird, { version: 2, of: (size) => Math.abs(size % 3) })

export type Failure = OrderedStore.WriteError | KeyspaceError.KeyspaceError

/** A row and its key. */
export type Entry = readonly [key: number, person: Person]

/** What an index says, and what it should say of given rows. */
export interface Sorted {
  readonly name: string
  readonly collect: Effect.Effect<ReadonlyArray<Entry>, Failure>
  readonly due: (rows: ReadonlyArray<Entry>) => ReadonlyArray<Entry>
}

/** The keyspace, open as some version of the program knows it. */
export interface People {
  readonly put: (key: number, person: Person, options: Store.WriteOptions) => Effect.Effect<void, Failure>
  readonly delete: (key: number, options: Store.WriteOptions) => Effect.Effect<void, Failure>
  readonly putWithin: (tx: OrderedStore.Transaction, key: number, person: Person) => Effect.Effect<void, Failure>
  readonly deleteWithin: (tx: OrderedStore.Transaction, key: number) => Effect.Effect<void, Failure>
  readonly get: (key: number) => Effect.Effect<Person | undefined, Failure>
  readonly collect: Effect.Effect<ReadonlyArray<Entry>, Failure>
  readonly byMail: (mail: string) => Effect.Effect<Entry | undefined, Failure>
  readonly countIn: (city: string) => Effect.Effect<number, Failure>
  readonly sorted: ReadonlyArray<Sorted>
  readonly check: Effect.Effect<ReadonlyArray<Keyspace.IndexFinding>, Failure>
  readonly work: (work: "build" | "migrate", batchSize: number) => Stream.Stream<{ readonly isDone: boolean }, Failure>
  readonly changes: (
    from: string
  ) => Stream.Stream<Keyspace.RowChange<number, Person>, OrderedStore.FeedError | KeyspaceError.KeyspaceError>
  readonly keyOf: (key: number) => Effect.Effect<Uint8Array, Failure>
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const opened =
  <V>({ byCity, byMail, bySize, keyspace, personOf, sizeOf, valueOf }: Version<V>) =>
  (store: Store.Store): Effect.Effect<People, Failure> =>
    Effect.map(Keyspace.openIn(store, keyspace), (rows): People => {
      const entry = ({ key, value }: Keyspace.Row<number, V>): Entry => [key, personOf(value)]
      const sortedBy = <I>(index: Keyspace.Index<number, V, I>, due: Sorted["due"]): Sorted => ({
        name: index.name,
        collect: Effect.map(
          Effect.flatMap(rows.by(index), (found) => found.collect()),
          (found) => found.map(entry)
        ),
        due
      })
      return {
        put: (key, person, options) => rows.put(key, valueOf(person), options),
        delete: rows.delete,
        putWithin: (tx, key, person) => Effect.flatMap(rows.within(tx), (inside) => inside.put(key, valueOf(person))),
        deleteWithin: (tx, key) => Effect.flatMap(rows.within(tx), (inside) => inside.delete(key)),
        get: (key) => Effect.map(rows.get(key), (found) => Option.getOrUndefined(Option.map(found, personOf))),
        collect: Effect.map(rows.collect(), (found) => found.map(entry)),
        byMail: (mail) =>
          Effect.map(
            Effect.flatMap(rows.by(byMail), (found) => found.get(mail)),
            (found) => Option.getOrUndefined(Option.map(found, entry))
          ),
        countIn: (city) => Effect.flatMap(rows.by(byCity), (found) => found.count({ prefix: { city } })),
        sorted: [
          sortedBy(byMail, (all) => [...all].sort(([, a], [, b]) => compareText(a.mail, b.mail))),
          sortedBy(byCity, (all) =>
            all
              .filter(([, { city }]) => city !== null)
              .sort(([i, a], [j, b]) => compareText(a.city!, b.city!) || a.size - b.size || i - j)
          ),
          ...(bySize === undefined
            ? []
            : [
                sortedBy(bySize, (all) => [...all].sort(([i, a], [j, b]) => sizeOf!(a.size) - sizeOf!(b.size) || i - j))
              ])
        ],
        check: rows.checkIndexes(),
        work: (work, batchSize) => (work === "build" ? rows.buildIndexes({ batchSize }) : rows.migrate({ batchSize })),
        changes: (from) =>
          Stream.map(rows.changes({ from }), ({ operations, position }) => ({
            position,
            operations: operations.map((operation) =>
              operation._tag === "Put" ? { ...operation, value: personOf(operation.value) } : operation
            )
          })),
        keyOf: rows.keyOf
      }
    })

/** The versions of the program, which each know how to read what earlier ones have written. */
export const programs = [opened(first), opened(second), opened(third), opened(indexed), opened(otherwise)] as const

/** The first program whose keyspace has the index of sizes, and the last one whose has not. */
export const firstSized = 3

/** The version of the values that a program writes. */
export const versionAt = (program: number): number => Math.min(program, 2) + 1

export const Notes = Keyspace.make({ name: "notes", key: Schema.String, value: Schema.String })
