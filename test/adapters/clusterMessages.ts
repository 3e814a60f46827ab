import * as DeliverAt from "@effect/cluster/DeliverAt"
import { EntityAddress } from "@effect/cluster/EntityAddress"
import { EntityId } from "@effect/cluster/EntityId"
import { EntityType } from "@effect/cluster/EntityType"
import * as Envelope from "@effect/cluster/Envelope"
import * as Message from "@effect/cluster/Message"
import * as Reply from "@effect/cluster/Reply"
import * as ShardId from "@effect/cluster/ShardId"
import * as Snowflake from "@effect/cluster/Snowflake"
import * as Headers from "@effect/platform/Headers"
import * as Rpc from "@effect/rpc/Rpc"
import * as RpcSchema from "@effect/rpc/RpcSchema"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const payload = { n: Schema.Number }

export const Add = Rpc.make("Add", { payload })

/** At most one request with the same `n` for each entity. */
export const Once = Rpc.make("Once", { payload, primaryKey: ({ n }) => String(n) })

export const Count = Rpc.make("Count", {
  payload,
  success: RpcSchema.Stream({ success: Schema.Number, failure: Schema.Never }),
  primaryKey: ({ n }) => String(n)
})

export const Ping = Rpc.make("Ping")

class LaterPayload extends Schema.Class<LaterPayload>("LaterPayload")({ at: Schema.Number }) {
  [DeliverAt.symbol]() {
    return DateTime.unsafeMake(this.at)
  }
}

const Later = Rpc.make("Later", { payload: LaterPayload })

export interface RequestOptions {
  readonly rpc?: Rpc.AnyWithProps
  readonly n?: number
  readonly entity?: string
  readonly shard?: number
  /** Not to be read before, in milliseconds since 1970. */
  readonly deliverAt?: number
  readonly id?: Snowflake.Snowflake
}

type Request = Message.OutgoingRequest<Rpc.Any>

export const shard = (id: number) => ShardId.make("default", id)

export const addressOf = ({ entity = "a", shard: id = 1 }: RequestOptions) =>
  new EntityAddress({
    shardId: shard(id),
    entityType: EntityType.make("Test"),
    entityId: EntityId.make(entity)
  })

const nextId = Effect.map(Snowflake.Generator, (ids) => ids.unsafeNext())

/** The payload as a client makes it: a value with its primary key. */
const payloadOf = ({ deliverAt, n = 1, rpc = Add }: RequestOptions): unknown => {
  if (deliverAt !== undefined) return new LaterPayload({ at: deliverAt })
  const schema: { readonly make?: (fields: object) => unknown } = rpc.payloadSchema
  return schema.make === undefined || rpc === Ping ? undefined : schema.make({ n })
}

export const request = (options: RequestOptions = {}): Effect.Effect<Request, never, Snowflake.Generator> =>
  Effect.map(nextId, (id) => {
    const rpc: Rpc.AnyWithProps = options.deliverAt === undefined ? (options.rpc ?? Add) : Later
    const fields = {
      envelope: Envelope.makeRequest<Rpc.Any>({
        requestId: options.id ?? id,
        address: addressOf(options),
        tag: rpc._tag as never,
        payload: payloadOf(options) as never,
        headers: Headers.empty
      }),
      context: Context.empty() as never,
      rpc: rpc as never,
      annotations: rpc.annotations,
      lastReceivedReply: Option.none(),
      respond: () => Effect.void
    }
    return new Message.OutgoingRequest<Rpc.Any>(fields)
  })

export const withHandler = (sent: Request, respond: (reply: Reply.Reply<Rpc.Any>) => Effect.Effect<void>) =>
  new Message.OutgoingRequest<Rpc.Any>({ ...sent, respond })

const inContext = ({ context, rpc }: Request, reply: Reply.Reply<Rpc.Any>) =>
  new Reply.ReplyWithContext<Rpc.Any>({ reply, context: context as never, rpc })

/** The reply that ends a request. */
export const exit = (to: Request) =>
  Effect.map(nextId, (id) =>
    inContext(to, new Reply.WithExit({ id, requestId: to.envelope.requestId, exit: Exit.void as never }))
  )

export const chunk = (to: Request, sequence: number) =>
  Effect.map(nextId, (id) =>
    inContext(to, new Reply.Chunk({ id, requestId: to.envelope.requestId, sequence, values: [sequence] as never }))
  )

export const ack = (to: Request, { reply }: Reply.ReplyWithContext<Rpc.Any>) =>
  Effect.map(
    nextId,
    (id) =>
      new Message.OutgoingEnvelope({
        envelope: new Envelope.AckChunk({
          id,
          address: to.envelope.address,
          requestId: to.envelope.requestId,
          replyId: reply.id
        }),
        rpc: to.rpc as never
      })
  )

export const interrupt = (to: Request) =>
  Effect.map(
    nextId,
    (id) =>
      new Message.OutgoingEnvelope({
        envelope: new Envelope.Interrupt({ id, address: to.envelope.address, requestId: to.envelope.requestId }),
        rpc: to.rpc as never
      })
  )

/** What was read, in short: the number that a request carries, or the kind of an envelope. */
export const shortly = (messages: ReadonlyArray<Message.Incoming<Rpc.Any>>): Array<unknown> =>
  messages.map(({ envelope }) =>
    envelope._tag === "Request" ? ((envelope.payload as { n?: number } | undefined)?.n ?? envelope.tag) : envelope._tag
  )
