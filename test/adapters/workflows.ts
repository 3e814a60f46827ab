import * as ClusterSchema from "@effect/cluster/ClusterSchema"
import * as Activity from "@effect/workflow/Activity"
import * as DurableClock from "@effect/workflow/DurableClock"
import * as DurableDeferred from "@effect/workflow/DurableDeferred"
import * as Workflow from "@effect/workflow/Workflow"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

/** What the workflows of a test have done, in order. */
export class Log extends Context.Tag("test/Log")<Log, Array<string>>() {}

const note = (line: string) =>
  Effect.flatMap(Log, (log) =>
    Effect.sync(() => {
      log.push(line)
    })
  )

export class Refused extends Schema.TaggedError<Refused>()("Refused", { reason: Schema.String }) {}

const make = <const Name extends string>(name: Name) =>
  Workflow.make({
    name,
    payload: { id: Schema.String },
    success: Schema.String,
    error: Refused,
    idempotencyKey: ({ id }) => id
  })

const step = <R = never>(name: string, execute: Effect.Effect<string, Refused, R> = Effect.succeed(name)) =>
  Activity.make({
    name,
    success: Schema.String,
    error: Refused,
    execute: Effect.zipRight(note(name), execute)
  })

/** A sleep that is stored. A threshold of 0 would be taken for none. */
const pause = (name: string, seconds: number) =>
  DurableClock.sleep({ name, duration: `${seconds} seconds`, inMemoryThreshold: "1 second" })

export const Steps = make("Steps")
const StepsLayer = Steps.toLayer(({ id }) =>
  Effect.gen(function* () {
    const first = yield* step("first")
    const second = yield* step("second")
    return `${id}: ${first}, ${second}`
  })
)

export const Retries = make("Retries")
const attempt = Effect.flatMap(Activity.CurrentAttempt, (count) =>
  count < 3 ? Effect.fail(new Refused({ reason: `attempt ${count}` })) : Effect.succeed(`attempt ${count}`)
)
const RetriesLayer = Retries.toLayer(() => Activity.retry(step("tried", attempt), { times: 5 }))

export const Sleeps = make("Sleeps")
const SleepsLayer = Sleeps.toLayer(() =>
  Effect.gen(function* () {
    yield* step("before")
    yield* pause("pause", 30)
    return yield* step("after")
  })
)

export const Answer = DurableDeferred.make("Answer", { success: Schema.String })

/** Waits for an answer. */
export const Asks = make("Asks")
const AsksLayer = Asks.toLayer(() =>
  Effect.gen(function* () {
    yield* step("asked")
    return yield* DurableDeferred.await(Answer)
  })
)

/** Waits, and makes what it did undone if it fails. */
export const Books = make("Books")
const BooksLayer = Books.toLayer(({ id }) =>
  Effect.gen(function* () {
    yield* step("booked").pipe(
      Books.withCompensation((value) => Effect.provideService(note(`undo ${value}`), Log, shared))
    )
    if (id === "refused") return yield* Effect.fail(new Refused({ reason: "full" }))
    return yield* DurableDeferred.await(Answer)
  })
)
/** The log of compensations, which do not get the services of the layer. */
export const shared: Array<string> = []

export const Races = make("Races")
const RacesLayer = Races.toLayer(() =>
  Activity.raceAll("race", [
    step("slow", Effect.as(Effect.sleep("50 seconds"), "slow")),
    step("fast", Effect.as(Effect.sleep("1 second"), "fast"))
  ])
)

/** The runners of the race sleep in the store, and so does what comes after it. */
export const DurableRaces = make("DurableRaces")
const DurableRacesLayer = DurableRaces.toLayer(() =>
  Effect.gen(function* () {
    const winner = yield* Activity.raceAll("race", [
      step("slow", Effect.as(pause("slow pause", 50), "slow")),
      step("fast", Effect.as(pause("fast pause", 2), "fast"))
    ])
    return `${winner}: ${yield* DurableDeferred.await(Answer)}`
  })
)

/** Returns the trace that it is part of. */
export const Traced = make("Traced")
const TracedLayer = Traced.toLayer(() =>
  Effect.map(Effect.currentParentSpan, ({ traceId }) => traceId).pipe(Effect.catchAll(() => Effect.succeed("no trace")))
)

/** Starts a workflow, and does not wait for it. */
export const Starts = make("Starts")
const StartsLayer = Starts.toLayer(({ id }) => Steps.execute({ id: `${id}/child` }, { discard: true }))

/** Is registered by the test, after it was told of. Its messages are in another group of shards. */
export const Late = make("Late").annotate(ClusterSchema.ShardGroup, () => "other")
export const LateLayer = Late.toLayer(() =>
  Effect.gen(function* () {
    const answer = yield* DurableDeferred.await(Answer)
    return `${yield* step("late")}: ${answer}`
  })
)

export const Parent = make("Parent")
const Child = make("Child")
const ChildLayer = Child.toLayer(() => DurableDeferred.await(Answer))
const ParentLayer = Parent.toLayer(({ id }) =>
  Effect.map(Child.execute({ id: `${id}/child` }), (answer) => `child said ${answer}`)
)

export { Child }

export const Fails = make("Fails").annotate(Workflow.SuspendOnFailure, true)
const FailsLayer = Fails.toLayer(() => Effect.zipRight(step("failing"), Effect.die(new Error("boom"))))

export const Catches = make("Catches")
const CatchesLayer = Catches.toLayer(() =>
  step("dies", Effect.die(new Error("boom"))).pipe(Effect.catchAllCause(() => step("caught")))
)

export const Dies = make("Dies")
const DiesLayer = Dies.toLayer(() => step("dies", Effect.die(Object.assign(new Error("a broken part"), { parts: 1n }))))

/** Has its messages in another group of shards. */
export const Grouped = make("Grouped").annotate(ClusterSchema.ShardGroup, () => "other")
const GroupedLayer = Grouped.toLayer(() => Effect.zipRight(pause("pause", 5), step("grouped")))

export const layer = Layer.mergeAll(
  StepsLayer,
  RetriesLayer,
  SleepsLayer,
  AsksLayer,
  BooksLayer,
  RacesLayer,
  DurableRacesLayer,
  TracedLayer,
  StartsLayer,
  ChildLayer,
  ParentLayer,
  FailsLayer,
  CatchesLayer,
  DiesLayer,
  GroupedLayer
)
