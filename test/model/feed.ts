import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { LsmError, OrderedStore, Store } from "effect-lsm"
import { changesUntilNow, positionNow } from "../support/feed.js"
import { Content, type Write } from "./content.js"
import { showAll } from "./questions.js"
import { hexOf, textOf } from "./text.js"

const writeOf = (operation: OrderedStore.Operation): Write => {
  if (operation._tag === "Delete") return [hexOf(operation.key), undefined]
  if (operation._tag === "DeleteRange") {
    return [hexOf(operation.start), { end: operation.end === undefined ? undefined : hexOf(operation.end) }]
  }
  const { expiresAt, key, value } = operation
  return [hexOf(key), expiresAt === undefined ? textOf(value) : { value: textOf(value), expiresAt }]
}

/** A reader of the feed that outlives its store: a content, and the position that it stands for. */
export class FeedReader {
  private content = Content.empty
  private position: string | undefined

  /** What it says that a reader at a time sees. */
  at(time: number): string {
    return showAll(this.content.at(time))
  }

  /** Begins anew at the next read. */
  forget(): void {
    this.position = undefined
  }

  /**
   * Reads all that is new. With `isKept`, nothing of it may be gone; otherwise the reader then begins
   * anew.
   */
  read(store: Store.Store, isKept: boolean): Effect.Effect<void, LsmError.WriteError> {
    const { position } = this
    if (position === undefined) return this.begin(store)
    return Effect.matchEffect(changesUntilNow(store, { from: position }), {
      onSuccess: (changes) =>
        Effect.sync(() => {
          for (const change of changes) {
            this.content = this.content.after(change.operations.map(writeOf))
            this.position = change.position
          }
        }),
      onFailure: (error) => {
        if (error._tag === "SequenceTooOld" && !isKept) return this.begin(store)
        switch (error._tag) {
          case "SequenceTooOld":
          case "FeedReset":
          case "SnapshotLost":
          case "Unavailable":
          case "OutcomeUnknown":
            return Effect.die(error)
          default:
            return Effect.fail(error)
        }
      }
    })
  }

  private begin(store: Store.Store): Effect.Effect<void, LsmError.WriteError> {
    return Effect.gen(this, function* () {
      const view = yield* store.snapshot
      const writes: Array<Write> = []
      for (const { key, value } of yield* view.collect()) {
        const expiresAt = yield* store.expiresAt(key, { snapshot: view })
        writes.push([
          hexOf(key),
          Option.isSome(expiresAt) ? { value: textOf(value), expiresAt: expiresAt.value } : textOf(value)
        ])
      }
      // Nothing is written in between.
      this.position = yield* positionNow(store) as Effect.Effect<string, LsmError.WriteError>
      this.content = Content.empty.after(writes)
    }).pipe(Effect.scoped)
  }
}
