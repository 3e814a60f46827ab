import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Claims } from "../../core/adapters/claims.js"
import { ClusterKeys } from "../../core/adapters/clusterKeys.js"
import type { Address, Head, Order, StoredEnvelope, StoredReply } from "../../core/adapters/mailboxModels.js"
import {
  clearReplies,
  lastReply,
  removeRequest,
  saveReply,
  saveRequest,
  saveSignal
} from "../../core/adapters/mailboxRules.js"
import type { Write } from "../../core/adapters/writes.js"
import { decodeUtf8 } from "../../core/bytes/bytes.js"
import { decodeTuple } from "../../core/keys/decodeTuple.js"
import type { OrderedStoreService, WriteError } from "../../OrderedStore.js"
import * as WriteBatch from "../../WriteBatch.js"
import { MailboxReads } from "./mailboxReads.js"
import { addWrites, attempt, type MailboxFailure, readJson, untilUnchanged } from "./ruleEffects.js"

/** A request was there before, under this id. */
export interface Duplicate {
  readonly originalId: string
  readonly lastReceivedReply: Option.Option<StoredReply>
}

type Failure = WriteError | MailboxFailure

/** A head, and its version for a check. */
interface Found {
  readonly head: Head
  readonly version: number
}

/** The mailboxes of a cluster. Each change is decided on the state of its request, and is written only if that state is unchanged. */
export class Mailbox {
  readonly claims = new Claims()
  readonly reads: MailboxReads
  private saved = 0

  constructor(
    private readonly store: OrderedStoreService,
    private readonly keys: ClusterKeys,
    private readonly epoch: number
  ) {
    this.reads = new MailboxReads(store, keys, this.claims)
  }

  /** Saves an envelope, or returns the request that was there before. */
  saveEnvelope(
    envelope: StoredEnvelope,
    primaryKey: string | null,
    deliverAt: number | null
  ): Effect.Effect<Option.Option<Duplicate>, Failure> {
    return untilUnchanged(
      Effect.gen(this, function* () {
        const named = primaryKey === null ? Option.none() : yield* this.requestIdFor(primaryKey)
        const requestId = Option.getOrElse(named, () => envelope.requestId)
        const found = yield* this.find(requestId)
        if (envelope._tag !== "Request") {
          // Nothing is to be said about a request that is not there.
          if (found === undefined) return Option.none()
          const writes = saveSignal(this.keys, found.head, envelope, this.nextOrder())
          yield* this.write(requestId, found, writes)
          return Option.none()
        }
        if (found !== undefined) return Option.some(yield* this.duplicate(requestId, found.head))
        const writes = yield* attempt(() => saveRequest(this.keys, envelope, primaryKey, deliverAt, this.nextOrder()))
        const batch = WriteBatch.make().check(this.keys.head(requestId), "absent")
        if (primaryKey !== null) batch.check(this.keys.primaryKey(primaryKey), "absent")
        yield* this.store.write(addWrites(batch, writes))
        return Option.none()
      })
    )
  }

  /** Saves replies together, or none of them. Those to requests that are not there are left out. */
  saveReplies(replies: ReadonlyArray<StoredReply>): Effect.Effect<void, Failure> {
    return untilUnchanged(
      Effect.gen(this, function* () {
        const batch = WriteBatch.make()
        const heads = new Map<string, Head>()
        for (const reply of replies) {
          const { requestId } = reply
          let head = heads.get(requestId)
          if (head === undefined) {
            const found = yield* this.find(requestId)
            if (found === undefined) continue
            batch.check(this.keys.head(requestId), found.version)
            head = found.head
          }
          const current = head
          const [writes, next] = yield* attempt(() => saveReply(this.keys, current, reply))
          addWrites(batch, writes)
          heads.set(requestId, next)
        }
        yield* this.store.write(batch)
      })
    ).pipe(
      Effect.tap(() => {
        for (const reply of replies) if (reply._tag === "WithExit") this.claims.releaseRequest(reply.requestId)
        return Effect.void
      })
    )
  }

  /** Clears the replies to a request, if the last one is `expected` or that is undefined. It is read again then. */
  clearReplies(requestId: string, expected?: string): Effect.Effect<void, Failure> {
    return untilUnchanged(
      Effect.gen(this, function* () {
        const found = yield* this.find(requestId)
        if (found === undefined) return
        const writes = clearReplies(this.keys, requestId, found.head, expected)
        // Before the write: a claim that is made after it is that of a reader who has the request anew.
        if (writes.length > 0) this.claims.releaseRequest(requestId)
        yield* this.write(requestId, found, writes)
      })
    )
  }

  requestIdFor(primaryKey: string): Effect.Effect<Option.Option<string>, Failure> {
    return Effect.flatMap(
      attempt(() => this.keys.primaryKey(primaryKey)),
      (key) => Effect.map(this.store.get(key), Option.map(decodeUtf8))
    )
  }

  /** Forgets all requests to an entity, whatever its shard. */
  clearAddress({ entityId, entityType }: Omit<Address, "shardId">): Effect.Effect<void, Failure> {
    return untilUnchanged(
      Effect.gen(this, function* () {
        const range = yield* attempt(() => this.keys.allAddressed(entityType, entityId))
        const entries = yield* this.store.collect(range)
        const batch = WriteBatch.make()
        const requestIds = entries.map(({ key }) => String(decodeTuple(key, 1).at(-1)))
        for (const requestId of requestIds) {
          const found = yield* this.find(requestId)
          if (found === undefined) continue
          batch.check(this.keys.head(requestId), found.version)
          addWrites(batch, removeRequest(this.keys, requestId, found.head))
        }
        yield* this.store.write(batch)
        for (const requestId of requestIds) this.claims.releaseRequest(requestId)
      })
    )
  }

  private duplicate(requestId: string, head: Head): Effect.Effect<Duplicate, Failure> {
    const last = lastReply(head)
    if (last === undefined) return Effect.succeed({ originalId: requestId, lastReceivedReply: Option.none() })
    return Effect.map(this.reads.reply(requestId, last.sequence), (reply) => ({
      originalId: requestId,
      lastReceivedReply: reply === undefined ? Option.none() : Option.some(reply)
    }))
  }

  private find(requestId: string): Effect.Effect<Found | undefined, Failure> {
    return Effect.gen(this, function* () {
      const key = yield* attempt(() => this.keys.head(requestId))
      const entry = Option.getOrUndefined(yield* this.store.getEntry(key))
      if (entry === undefined) return undefined
      return { head: yield* attempt(() => readJson<Head>(entry.value)), version: entry.version }
    })
  }

  private write(requestId: string, { version }: Found, writes: ReadonlyArray<Write>): Effect.Effect<void, WriteError> {
    return Effect.suspend(() =>
      writes.length === 0
        ? Effect.void
        : this.store.write(addWrites(WriteBatch.make().check(this.keys.head(requestId), version), writes))
    )
  }

  private nextOrder(): Order {
    return [this.epoch, this.saved++]
  }
}

/** Opens the mailboxes of a cluster. Each time they are opened counts, so that the order of messages goes on. */
export const openMailbox = (store: OrderedStoreService, name: string): Effect.Effect<Mailbox, Failure> =>
  Effect.gen(function* () {
    const keys = yield* attempt(() => new ClusterKeys(name))
    const count = (before: Option.Option<Uint8Array>) =>
      String(Option.match(before, { onNone: () => 0, onSome: (bytes) => Number(decodeUtf8(bytes)) }) + 1)
    const epoch = yield* store.update(keys.epoch, count)
    return new Mailbox(store, keys, Number(decodeUtf8(Option.getOrThrow(epoch))))
  })
