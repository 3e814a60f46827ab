import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Claims } from "../../core/adapters/claims.js"
import type { ClusterKeys } from "../../core/adapters/clusterKeys.js"
import {
  type Address,
  type Head,
  isSameAddress,
  type Pending,
  type StoredEnvelope,
  type StoredReply,
  shardText
} from "../../core/adapters/mailboxModels.js"
import { isReadable } from "../../core/adapters/mailboxRules.js"
import { afterAll } from "../../core/keys/prefixRange.js"
import type { OrderedStoreService, ReadError } from "../../OrderedStore.js"
import { attempt, type MailboxFailure, readJson } from "./ruleEffects.js"

/** A message to be processed, with the last reply that was sent for it. */
export interface Unprocessed {
  readonly envelope: StoredEnvelope
  readonly lastSentReply: Option.Option<StoredReply>
}

/** Which messages a read returns. */
export interface Wanted {
  readonly shards: ReadonlyArray<string>
  /** Milliseconds since 1970. */
  readonly now: number
  readonly limit?: number | undefined
  readonly addresses?: ReadonlyArray<Address> | undefined
}

type Failure = ReadError | MailboxFailure

/** How many entries one read of what is pending takes from the store. */
const pageSize = 512

/** The reads of mailboxes. */
export class MailboxReads {
  constructor(
    readonly store: OrderedStoreService,
    readonly keys: ClusterKeys,
    readonly claims: Claims
  ) {}

  /** The messages that wait, in the order in which they were saved. They are claimed. */
  unprocessed(wanted: Wanted): Effect.Effect<Array<Unprocessed>, Failure> {
    const limit = wanted.limit ?? Number.POSITIVE_INFINITY
    const shards = new Set(wanted.shards)
    const isWanted = ({ address, deliverAt }: Pending): boolean =>
      shards.has(shardText(address)) &&
      (deliverAt === null || deliverAt <= wanted.now) &&
      (wanted.addresses === undefined || wanted.addresses.some((other) => isSameAddress(other, address)))
    const claimed: Array<Pending> = []
    const claim = (pending: Pending): boolean => {
      if (!isWanted(pending) || !this.claims.take(pending, wanted.now)) return false
      claimed.push(pending)
      return true
    }
    return Effect.gen(this, function* () {
      const found: Array<Unprocessed> = []
      let { start } = this.keys.allPending
      while (found.length < limit) {
        const page = yield* this.store.collect({ start, end: this.keys.allPending.end, limit: pageSize })
        const entries = yield* attempt(() => page.map(({ value }) => readJson<Pending>(value)))
        for (let next = 0; next < entries.length && found.length < limit; ) {
          const taken: Array<Pending> = []
          while (next < entries.length && taken.length < limit - found.length) {
            const pending = entries[next++]!
            if (claim(pending)) taken.push(pending)
          }
          // A claim is made before the state is read: whoever frees it later has changed the state before.
          for (const [i, message] of (yield* this.messages(taken)).entries()) {
            if (message === undefined) this.claims.release(taken[i]!)
            else found.push(message)
          }
        }
        const last = page.at(-1)
        if (last === undefined || page.length < pageSize) break
        start = afterAll(last.key)
      }
      return found
    }).pipe(
      Effect.onError(() =>
        Effect.sync(() => {
          for (const pending of claimed) this.claims.release(pending)
        })
      )
    )
  }

  /** The messages with these ids that wait, claimed or not, in the order in which they were saved. */
  unprocessedById(ids: ReadonlyArray<string>, now: number): Effect.Effect<Array<Unprocessed>, Failure> {
    return Effect.gen(this, function* () {
      const envelopes = yield* this.all<StoredEnvelope>(() => ids.map((id) => this.keys.envelope(id)))
      const heads = yield* this.heads(envelopes.map((envelope) => envelope?.requestId))
      const waiting: Array<{ pending: Pending; place: readonly [number, number] }> = []
      for (const [i, id] of ids.entries()) {
        const head = heads[i]
        if (head === undefined || (head.deliverAt !== null && head.deliverAt > now)) continue
        const { address, requestId } = envelopes[i]!
        const place = head.signals.find((signal) => signal.id === id)?.order ?? head.order
        waiting.push({ pending: { requestId, id, address, deliverAt: head.deliverAt }, place })
      }
      waiting.sort(({ place: a }, { place: b }) => a[0] - b[0] || a[1] - b[1])
      const messages = yield* this.messages(waiting.map(({ pending }) => pending))
      return messages.filter((message) => message !== undefined)
    })
  }

  /** The replies that were not received: chunks without acknowledgement, and exits. */
  repliesFor(requestIds: ReadonlyArray<string>): Effect.Effect<Array<StoredReply>, Failure> {
    return Effect.gen(this, function* () {
      const heads = yield* this.heads(requestIds)
      const replies = yield* this.all<StoredReply>(() =>
        requestIds.flatMap((requestId, i) => {
          const chunks = heads[i]?.unacknowledged ?? []
          return [...chunks.map(({ sequence }) => this.keys.chunk(requestId, sequence)), this.keys.exit(requestId)]
        })
      )
      return replies.filter((reply) => reply !== undefined)
    })
  }

  /** All replies. */
  allReplies(requestIds: ReadonlyArray<string>): Effect.Effect<Array<StoredReply>, Failure> {
    return Effect.gen(this, function* () {
      const replies: Array<StoredReply> = []
      for (const requestId of requestIds) {
        const entries = yield* Effect.flatMap(
          attempt(() => this.keys.replies(requestId)),
          (range) => this.store.collect(range)
        )
        replies.push(...(yield* attempt(() => entries.map(({ value }) => readJson<StoredReply>(value)))))
      }
      return replies
    })
  }

  /** The reply of a request that `lastReply` names. */
  reply(requestId: string, sequence: number | undefined): Effect.Effect<StoredReply | undefined, Failure> {
    const keys = () => [sequence === undefined ? this.keys.exit(requestId) : this.keys.chunk(requestId, sequence)]
    return Effect.map(this.all<StoredReply>(keys), ([reply]) => reply)
  }

  /** Whole messages for entries of what is pending, or undefined for those that are not to be read. */
  private messages(pending: ReadonlyArray<Pending>): Effect.Effect<Array<Unprocessed | undefined>, Failure> {
    if (pending.length === 0) return Effect.succeed([])
    return Effect.gen(this, function* () {
      const heads = yield* this.heads(pending.map(({ requestId }) => requestId))
      const envelopes = yield* this.all<StoredEnvelope>(() => pending.map(({ id }) => this.keys.envelope(id)))
      const messages: Array<Unprocessed | undefined> = []
      for (const [i, { id, requestId }] of pending.entries()) {
        const head = heads[i]
        const envelope = envelopes[i]
        const isThere = head !== undefined && envelope !== undefined && isReadable(head, requestId, id)
        const chunk = isThere && envelope._tag === "Request" ? head.acknowledged : null
        const reply = chunk === null ? undefined : yield* this.reply(requestId, chunk.sequence)
        messages.push(
          isThere ? { envelope, lastSentReply: reply === undefined ? Option.none() : Option.some(reply) } : undefined
        )
      }
      return messages
    })
  }

  private heads(requestIds: ReadonlyArray<string | undefined>): Effect.Effect<Array<Head | undefined>, Failure> {
    return this.all<Head>(() => requestIds.map((id) => (id === undefined ? undefined : this.keys.head(id))))
  }

  /** The values at keys, each undefined if there is no key or no value. */
  private all<A>(keysOf: () => ReadonlyArray<Uint8Array | undefined>): Effect.Effect<Array<A | undefined>, Failure> {
    return Effect.gen(this, function* () {
      const keys = yield* attempt(keysOf)
      const values = yield* this.store.getMany(keys.filter((key) => key !== undefined))
      let next = 0
      return yield* attempt(() =>
        keys.map((key) => {
          const value = key === undefined ? undefined : Option.getOrUndefined(values[next++]!)
          return value === undefined ? undefined : readJson<A>(value)
        })
      )
    })
  }
}
