import { describe, expect, it } from "vitest"
import { ClusterKeys } from "../../../src/core/adapters/clusterKeys.js"
import type { Head, Order, Pending, Signal, StoredReply } from "../../../src/core/adapters/mailboxModels.js"
import {
  clearReplies,
  isReadable,
  lastReply,
  removeRequest,
  saveReply,
  saveRequest,
  saveSignal
} from "../../../src/core/adapters/mailboxRules.js"
import { RefusedChange, type Write } from "../../../src/core/adapters/writes.js"
import { compare } from "../../../src/core/bytes/bytes.js"
import { seeded, seedOf } from "../../../src/core/simulation/random.js"

const keys = new ClusterKeys("test")
const address = { shardId: { group: "default", id: 1 }, entityType: "Test", entityId: "a" }

const textOf = (key: Uint8Array) => Buffer.from(key).toString("hex")

/** A store of its own: a map by keys. */
class Content {
  readonly entries = new Map<string, string>()
  private places = 0
  private ids = 1000

  nextId = () => String(this.ids++)
  nextOrder = (): Order => [1, this.places++]

  apply(writes: ReadonlyArray<Write>): void {
    for (const write of writes) {
      if ("put" in write) this.entries.set(textOf(write.put), write.value)
      else if ("delete" in write) this.entries.delete(textOf(write.delete))
      else this.inRange(write.deleteRange).forEach((key) => void this.entries.delete(key))
    }
  }

  inRange({ end, start }: { readonly start: Uint8Array; readonly end: Uint8Array }): Array<string> {
    return [...this.entries.keys()].filter((text) => {
      const key = Buffer.from(text, "hex")
      return compare(start, key) <= 0 && compare(key, end) < 0
    })
  }

  head(requestId: string): Head | undefined {
    const text = this.entries.get(textOf(keys.head(requestId)))
    return text === undefined ? undefined : (JSON.parse(text) as Head)
  }

  get pending(): Array<Pending> {
    return this.inRange(keys.allPending).map((key) => JSON.parse(this.entries.get(key)!) as Pending)
  }
}

const event = (content: Content, requestId: string, draw: (n: number) => number): void => {
  const head = content.head(requestId)
  if (head === undefined) {
    const envelope = { _tag: "Request" as const, requestId, address }
    content.apply(saveRequest(keys, envelope, draw(2) === 0 ? null : `key ${requestId}`, null, content.nextOrder()))
    return
  }
  const id = content.nextId()
  const said = (signal: Signal) => content.apply(saveSignal(keys, head, signal, content.nextOrder()))
  const replied = (reply: StoredReply) => content.apply(saveReply(keys, head, reply)[0])
  const sequence = (head.unacknowledged.at(-1) ?? head.acknowledged)?.sequence ?? -1
  switch (draw(8)) {
    case 0:
    case 1:
      return head.exit === null ? replied({ _tag: "Chunk", id, requestId, sequence: sequence + 1 }) : undefined
    case 2:
    case 3: {
      const replyId = head.unacknowledged[0]?.id ?? "1"
      return said({ _tag: "AckChunk", id, requestId, replyId, address })
    }
    case 4:
      return said({ _tag: "Interrupt", id, requestId, address })
    case 5:
      return head.exit === null ? replied({ _tag: "WithExit", id, requestId }) : undefined
    case 6:
      return content.apply(clearReplies(keys, requestId, head))
    default:
      return content.apply(removeRequest(keys, requestId, head))
  }
}

/** What the head says and what the other entries say is the same. */
const check = (content: Content, requestId: string): void => {
  const head = content.head(requestId)
  const waiting = content.pending.filter((pending) => pending.requestId === requestId).map(({ id }) => id)
  const replies = content.inRange(keys.replies(requestId))
  if (head === undefined) {
    expect(waiting).toStrictEqual([])
    expect(replies).toStrictEqual([])
    return
  }
  const signals = head.signals.map(({ id }) => id)
  expect([...waiting].sort()).toStrictEqual((head.exit === null ? [requestId, ...signals] : []).sort())
  for (const id of [requestId, ...signals]) expect(content.entries.has(textOf(keys.envelope(id)))).toBe(true)
  expect(head.signals.filter(({ isAck }) => isAck).length).toBeLessThanOrEqual(1)
  const chunks = (head.acknowledged === null ? 0 : head.acknowledged.sequence + 1) + head.unacknowledged.length
  expect(replies).toHaveLength(chunks + (head.exit === null ? 0 : 1))
  const last = replies.sort().at(-1)
  expect(last === undefined ? undefined : JSON.parse(content.entries.get(last)!).id).toBe(lastReply(head)?.id)
  expect(isReadable(head, requestId, requestId)).toBe(head.exit === null && head.unacknowledged.length === 0)
}

describe("the rules of mailboxes", () => {
  for (let run = 0; run < 20; run++) {
    it(`keep all entries of a request in step, and forget all of them, run ${run}`, () => {
      const random = seeded(seedOf(7, run))
      const draw = (n: number) => Math.floor(random() * n)
      const content = new Content()
      const requests = ["1", "2", "3"]
      for (let step = 0; step < 200; step++) {
        event(content, requests[draw(3)]!, draw)
        for (const requestId of requests) check(content, requestId)
      }
      for (const requestId of requests) {
        const head = content.head(requestId)
        if (head !== undefined) content.apply(removeRequest(keys, requestId, head))
      }
      expect(content.entries.size).toBe(0)
    })
  }

  it("refuse a second exit and a second chunk of a sequence, and take the same one again", () => {
    const content = new Content()
    content.apply(saveRequest(keys, { _tag: "Request", requestId: "1", address }, null, null, [1, 0]))
    const reply = (saved: StoredReply) => {
      const [writes] = saveReply(keys, content.head("1")!, saved)
      content.apply(writes)
      return writes.length
    }
    const chunk: StoredReply = { _tag: "Chunk", id: "10", requestId: "1", sequence: 0 }
    expect(reply(chunk)).toBe(2)
    expect(reply(chunk)).toBe(0)
    expect(() => reply({ ...chunk, id: "11" })).toThrow(RefusedChange)
    content.apply(
      saveSignal(
        keys,
        content.head("1")!,
        { _tag: "AckChunk", id: "12", requestId: "1", replyId: "10", address },
        [1, 1]
      )
    )
    expect(reply(chunk)).toBe(0)
    expect(() => reply({ ...chunk, id: "11" })).toThrow(RefusedChange)
    const exit: StoredReply = { _tag: "WithExit", id: "13", requestId: "1" }
    expect(reply(exit)).toBeGreaterThan(0)
    expect(reply(exit)).toBe(0)
    expect(() => reply({ ...exit, id: "14" })).toThrow(RefusedChange)
  })

  it("clear replies only if the last one is the expected one", () => {
    const content = new Content()
    content.apply(saveRequest(keys, { _tag: "Request", requestId: "1", address }, null, null, [1, 0]))
    content.apply(saveReply(keys, content.head("1")!, { _tag: "WithExit", id: "9", requestId: "1" })[0])
    expect(clearReplies(keys, "1", content.head("1")!, "8")).toStrictEqual([])
    content.apply(clearReplies(keys, "1", content.head("1")!, "9"))
    expect(content.head("1")?.exit).toBeNull()
    expect(content.pending.map(({ id }) => id)).toStrictEqual(["1"])
  })
})
