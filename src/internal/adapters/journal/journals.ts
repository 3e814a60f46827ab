import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import { JournalKeys } from "../../../core/adapters/journal/journalKeys.js"
import type { JournalRecord } from "../../../core/adapters/journal/journalRecords.js"
import type { OrderedStoreService } from "../../../OrderedStore.js"
import { type JournalReadError, OpenJournal } from "./openJournal.js"

/** The journals of stores. Layers that are built twice on one store share them. */
export class Journals<Entry extends JournalRecord> {
  private readonly stores = new WeakMap<object, Map<string, OpenJournal<Entry>>>()
  private readonly oneAtATime = Effect.unsafeMakeSemaphore(1)

  constructor(private readonly toEntry: (record: JournalRecord) => Entry) {}

  /** The journal of an instance, whose name has no fault. */
  open(store: OrderedStoreService, instance: string): Effect.Effect<OpenJournal<Entry>, JournalReadError> {
    return this.oneAtATime.withPermits(1)(
      Effect.gen(this, function* () {
        const journals = this.stores.get(store.identity) ?? new Map<string, OpenJournal<Entry>>()
        this.stores.set(store.identity, journals)
        const found = journals.get(instance)
        if (found !== undefined) return found
        const changes = yield* PubSub.unbounded<Entry>()
        const journal = new OpenJournal(store, new JournalKeys(instance), changes, this.toEntry)
        yield* journal.load
        journals.set(instance, journal)
        return journal
      })
    )
  }
}
