import { AbstractIterator, AbstractKeyIterator, AbstractValueIterator } from "abstract-level"
import type { Entries } from "./entries.js"
import type { Data } from "./formats.js"
import { levelEntry, levelKey, levelValue } from "./shapes.js"
import { Walking, type WalkOptions } from "./walking.js"

/** Options of an iterator over entries. */
export interface EntryOptions extends WalkOptions {
  readonly keys: boolean
  readonly values: boolean
}

/** The types of abstract-level have the options of its users, not those of implementations. */
type Iterators<Iterator> = new (
  database: object,
  options: object
) => Iterator & { readonly count: number; readonly limit: number }

type Make<Options, Iterator> = new (database: object, entries: Entries, options: Options) => Iterator

/** A class of iterators over what a `Walking` returns. */
const walked = <A, Options extends WalkOptions, Iterator>(
  base: unknown,
  walkingOf: (entries: Entries, options: Options) => Walking<A>
): Make<Options, Iterator> => {
  const Base = base as Iterators<object>
  class Walked extends Base {
    readonly #walking: Walking<A>

    constructor(database: object, entries: Entries, options: Options) {
      super(database, options)
      this.#walking = walkingOf(entries, options)
    }

    // Not async: abstract-level awaits it, and one promise less for each entry counts.
    _next(): A | undefined | Promise<A | undefined> {
      return this.#walking.next(this.count)
    }

    _nextv(size: number): Array<A> | Promise<Array<A>> {
      return this.#walking.nextv(size)
    }

    async _all(): Promise<Array<A>> {
      return this.#walking.all(this.limit - this.count)
    }

    _seek(target: Data): void {
      this.#walking.seek(target)
    }

    async _close(): Promise<void> {
      this.#walking.close()
    }
  }
  return Walked as unknown as Make<Options, Iterator>
}

/** An iterator over entries. */
export const EntryIterator = walked<unknown, EntryOptions, AbstractIterator<never, never, never>>(
  AbstractIterator,
  (entries, options) => {
    const { keys, values, keyEncoding, valueEncoding } = options
    const shape = levelEntry(entries.prefix.length, keys ? keyEncoding : undefined, values ? valueEncoding : undefined)
    return new Walking(entries, options, shape, !values)
  }
)

/** An iterator over keys. */
export const KeyIterator = walked<unknown, WalkOptions, AbstractKeyIterator<never, never>>(
  AbstractKeyIterator,
  (entries, options) => new Walking(entries, options, levelKey(entries.prefix.length, options.keyEncoding), true)
)

/** An iterator over values. */
export const ValueIterator = walked<unknown, WalkOptions, AbstractValueIterator<never, never, never>>(
  AbstractValueIterator,
  (entries, options) => new Walking(entries, options, levelValue(options.valueEncoding), false)
)
