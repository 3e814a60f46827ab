import type * as ClusterStorage from "@effect/cluster/MessageStorage"
import type * as Sharding from "@effect/cluster/Sharding"
import { describe, expect, it } from "@effect/vitest"
import * as DurableDeferred from "@effect/workflow/DurableDeferred"
import type * as Workflow from "@effect/workflow/Workflow"
import type { WorkflowEngine } from "@effect/workflow/WorkflowEngine"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { advanceUntil, inTime } from "./clock.js"
import * as Flows from "./workflows.js"

export type Services = WorkflowEngine | ClusterStorage.MessageStorage | Sharding.Sharding | Flows.Log

export const config = {
  availableShardGroups: ["default", "other"],
  assignedShardGroups: ["default", "other"],
  shardsPerGroup: 20,
  entityMailboxCapacity: 10,
  entityTerminationTimeout: 0,
  entityMessagePollInterval: 5000,
  sendRetryInterval: 100
} as const

/** How the run of a workflow stands: what its result is, or that there is none. */
export const standing = (
  workflow: Pick<typeof Flows.Steps, "poll">,
  executionId: string
): Effect.Effect<string, never, WorkflowEngine> =>
  Effect.map(workflow.poll(executionId), (polled) => {
    const result: { readonly _tag: string } | undefined = Option.isOption(polled)
      ? Option.getOrUndefined(polled)
      : polled
    return result?._tag ?? "none"
  })

export const isSuspended = (workflow: Pick<typeof Flows.Steps, "poll">, executionId: string) =>
  advanceUntil(Effect.map(standing(workflow, executionId), (tag) => tag === "Suspended"))

export const answer = (
  workflow: Workflow.Any,
  executionId: string,
  text: string
): Effect.Effect<void, never, WorkflowEngine> =>
  DurableDeferred.succeed(Flows.Answer, {
    token: DurableDeferred.tokenFromExecutionId(Flows.Answer, { workflow, executionId }),
    value: text
  })

/** What a workflow engine does on every `MessageStorage`, after the tests of the one of `@effect/cluster`. */
export const testWorkflows = <E>(name: string, engine: Layer.Layer<Exclude<Services, Flows.Log>, E>): void => {
  const test = (title: string, program: Effect.Effect<void, unknown, Services>) =>
    it.effect(title, () => {
      const log = Layer.sync(Flows.Log, () => [])
      return Effect.provide(program, Layer.provideMerge(Flows.layer, Layer.merge(engine, log)))
    })

  describe(name, () => {
    test(
      "runs a workflow once for each key, and returns its result to all",
      Effect.gen(function* () {
        const run = inTime(Flows.Steps.execute({ id: "one" }))
        expect(yield* run).toBe("one: first, second")
        expect(yield* run).toBe("one: first, second")
        expect(yield* Flows.Log).toStrictEqual(["first", "second"])
        const executionId = yield* Flows.Steps.executionId({ id: "one" })
        expect(yield* standing(Flows.Steps, executionId)).toBe("Complete")
        expect(yield* standing(Flows.Steps, yield* Flows.Steps.executionId({ id: "two" }))).toBe("none")
      })
    )

    test(
      "runs workflows with several keys side by side",
      Effect.gen(function* () {
        const ids = Array.from({ length: 30 }, (_, i) => String(i))
        const all = Effect.forEach(ids, (id) => Flows.Steps.execute({ id }), { concurrency: "unbounded" })
        expect(yield* inTime(all)).toStrictEqual(ids.map((id) => `${id}: first, second`))
        expect(yield* Flows.Log).toHaveLength(60)
      })
    )

    test(
      "does not wait for a workflow whose result is not asked for",
      Effect.gen(function* () {
        const executionId = yield* inTime(Flows.Steps.execute({ id: "one" }, { discard: true }))
        yield* advanceUntil(Effect.map(standing(Flows.Steps, executionId), (tag) => tag === "Complete"))
        expect(yield* inTime(Flows.Steps.execute({ id: "one" }))).toBe("one: first, second")
        expect(yield* Flows.Log).toHaveLength(2)
      })
    )

    test(
      "tries an activity again",
      Effect.gen(function* () {
        expect(yield* inTime(Flows.Retries.execute({ id: "one" }))).toBe("attempt 3")
        expect(yield* Flows.Log).toStrictEqual(["tried", "tried", "tried"])
      })
    )

    test(
      "sleeps without running",
      Effect.gen(function* () {
        const executionId = yield* inTime(Flows.Sleeps.execute({ id: "one" }, { discard: true }))
        yield* isSuspended(Flows.Sleeps, executionId)
        expect(yield* Flows.Log).toStrictEqual(["before"])
        expect(yield* inTime(Flows.Sleeps.execute({ id: "one" }))).toBe("after")
        expect(yield* Flows.Log).toStrictEqual(["before", "after"])
      })
    )

    test(
      "waits for an answer from outside",
      Effect.gen(function* () {
        const executionId = yield* inTime(Flows.Asks.execute({ id: "one" }, { discard: true }))
        yield* isSuspended(Flows.Asks, executionId)
        yield* inTime(answer(Flows.Asks, executionId, "yes"))
        yield* inTime(answer(Flows.Asks, executionId, "too late"))
        expect(yield* inTime(Flows.Asks.execute({ id: "one" }))).toBe("yes")
        expect(yield* Flows.Log).toStrictEqual(["asked"])
      })
    )

    test(
      "takes an answer that is there before the question",
      Effect.gen(function* () {
        const executionId = yield* Flows.Asks.executionId({ id: "one" })
        yield* inTime(answer(Flows.Asks, executionId, "early"))
        expect(yield* inTime(Flows.Asks.execute({ id: "one" }))).toBe("early")
      })
    )

    test(
      "undoes what was done when a workflow fails",
      Effect.gen(function* () {
        Flows.shared.length = 0
        const error = yield* inTime(Effect.flip(Flows.Books.execute({ id: "refused" })))
        expect(error).toStrictEqual(new Flows.Refused({ reason: "full" }))
        expect(Flows.shared).toStrictEqual(["undo booked"])
      })
    )

    test(
      "undoes what was done when a workflow is interrupted",
      Effect.gen(function* () {
        Flows.shared.length = 0
        const fiber = yield* Effect.fork(Flows.Books.execute({ id: "one" }))
        const executionId = yield* Flows.Books.executionId({ id: "one" })
        yield* isSuspended(Flows.Books, executionId)
        yield* inTime(Flows.Books.interrupt(executionId))
        const exit = yield* inTime(Fiber.await(fiber))
        expect(Exit.isInterrupted(exit)).toBe(true)
        expect(Flows.shared).toStrictEqual(["undo booked"])
      })
    )

    test(
      "lets activities race",
      Effect.gen(function* () {
        expect(yield* inTime(Flows.Races.execute({ id: "one" }))).toBe("fast")
      })
    )

    test(
      "lets activities race that sleep in the store, and goes on with the first",
      Effect.gen(function* () {
        const executionId = yield* inTime(Flows.DurableRaces.execute({ id: "one" }, { discard: true }))
        yield* advanceUntil(Effect.map(Flows.Log, (log) => log.includes("fast")))
        yield* isSuspended(Flows.DurableRaces, executionId)
        yield* inTime(answer(Flows.DurableRaces, executionId, "go"))
        expect(yield* inTime(Flows.DurableRaces.execute({ id: "one" }))).toBe("fast: go")
      })
    )

    test(
      "runs workflows in the trace of their callers",
      Effect.gen(function* () {
        const traces = Effect.flatMap(Effect.currentSpan, ({ traceId }) =>
          Effect.map(inTime(Flows.Traced.execute({ id: "one" })), (seen) => [seen, traceId])
        )
        const [seen, traceId] = yield* Effect.withSpan(traces, "caller")
        expect(seen).toBe(traceId)
      })
    )

    test(
      "goes on with a workflow that another one has started, when that has ended",
      Effect.gen(function* () {
        const child = yield* inTime(Flows.Starts.execute({ id: "one" }))
        expect(child).toBe(yield* Flows.Steps.executionId({ id: "one/child" }))
        expect(yield* inTime(Flows.Steps.execute({ id: "one/child" }))).toBe("one/child: first, second")
        expect(yield* Flows.Log).toStrictEqual(["first", "second"])
      })
    )

    test(
      "takes an answer for a workflow that is registered later, in its group of shards",
      Effect.gen(function* () {
        const executionId = yield* Flows.Late.executionId({ id: "one" })
        const pending = yield* Effect.fork(answer(Flows.Late, executionId, "early"))
        yield* Effect.yieldNow()
        const run = Effect.zipRight(Fiber.join(pending), Flows.Late.execute({ id: "one" }))
        expect(yield* Effect.provide(inTime(run), Flows.LateLayer)).toBe("late: early")
        expect(yield* Flows.Log).toStrictEqual(["late"])
      })
    )

    test(
      "runs workflows within workflows",
      Effect.gen(function* () {
        const executionId = yield* inTime(Flows.Parent.execute({ id: "one" }, { discard: true }))
        const child = yield* Flows.Child.executionId({ id: "one/child" })
        yield* isSuspended(Flows.Child, child)
        yield* isSuspended(Flows.Parent, executionId)
        yield* inTime(answer(Flows.Child, child, "done"))
        expect(yield* inTime(Flows.Parent.execute({ id: "one" }))).toBe("child said done")
      })
    )

    test(
      "stops a workflow that fails, if it is to wait for help",
      Effect.gen(function* () {
        const executionId = yield* inTime(Flows.Fails.execute({ id: "one" }, { discard: true }))
        yield* isSuspended(Flows.Fails, executionId)
        expect(yield* Flows.Log).toStrictEqual(["failing"])
        yield* inTime(Flows.Fails.resume(executionId))
        yield* isSuspended(Flows.Fails, executionId)
        // The result of the activity was recorded.
        expect(yield* Flows.Log).toStrictEqual(["failing"])
      })
    )

    test(
      "goes on after the defect of an activity that is caught",
      Effect.gen(function* () {
        expect(yield* inTime(Flows.Catches.execute({ id: "one" }))).toBe("caught")
        expect(yield* Flows.Log).toStrictEqual(["dies", "caught"])
      })
    )

    test(
      "returns the defect of a workflow",
      Effect.gen(function* () {
        const exit = yield* inTime(Effect.exit(Flows.Dies.execute({ id: "one" })))
        expect(Exit.isFailure(exit) && Cause.pretty(exit.cause)).toContain("a broken part")
      })
    )

    test(
      "has messages in the group of shards that a workflow names",
      Effect.gen(function* () {
        expect(yield* inTime(Flows.Grouped.execute({ id: "one" }))).toBe("grouped")
      })
    )
  })
}
