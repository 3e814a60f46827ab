import { Clock, Deferred, Duration, Effect, Exit, type Scope } from "effect"

/** Resources by name, opened when they are asked for and closed when they are idle. At most `capacity` are open at once. */
export interface Pool<A, E> {
  /**
   * Runs `body` with the resource of a name. Uses at the same time share one, and it is never closed under them. If the pool is full
   * of resources in use, this waits for one of them. So a use within a use of another name may wait for ever.
   */
  readonly use: <B, E1, R>(name: string, body: (resource: A) => Effect.Effect<B, E1, R>) => Effect.Effect<B, E | E1, R>
  /** Runs `body` while the resource of a name is closed: after the uses that are under way, and before those that come later. */
  readonly whileClosed: <B, E1, R>(name: string, body: Effect.Effect<B, E1, R>) => Effect.Effect<B, E1, R>
  readonly counts: Effect.Effect<Counts>
}

export interface Counts {
  readonly open: number
  readonly inUse: number
  readonly opens: number
  readonly closes: number
  /** The most that were open at one time. */
  readonly peak: number
}

export interface PoolOptions<A, E, R> {
  readonly open: (name: string) => Effect.Effect<A, E, R>
  readonly capacity: number
  readonly idleTimeToLive: Duration.DurationInput
}

/** A resource from the first request for it until it is closed. */
class Entry<A, E> {
  users = 1
  idleSince = 0
  phase: "waits for a slot" | "opens" | "is open" | "stays closed" = "waits for a slot"
  /** Whether it takes no more users. */
  isLeaving = false
  constructor(
    readonly ready: Deferred.Deferred<A, E>,
    readonly leave: Deferred.Deferred<void>,
    readonly gone: Deferred.Deferred<void>
  ) {}

  get holdsSlot(): boolean {
    return this.phase === "opens" || this.phase === "is open"
  }
  get isIdle(): boolean {
    return this.phase === "is open" && this.users === 0 && !this.isLeaving
  }
}

/** Closes all resources when the scope ends. */
export const makePool = <A, E, R>({ open, capacity, idleTimeToLive }: PoolOptions<A, E, R | Scope.Scope>) =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const context = yield* Effect.context<R>()
    const slots = yield* Effect.makeSemaphore(capacity)
    const idleMillis = Duration.toMillis(idleTimeToLive)
    /** The least recently used entry comes first. */
    const entries = new Map<string, Entry<A, E>>()
    const totals = { opens: 0, closes: 0, peak: 0 }

    const makeEntry = Effect.map(
      Effect.all([Deferred.make<A, E>(), Deferred.make<void>(), Deferred.make<void>()]),
      ([ready, leave, gone]) => new Entry(ready, leave, gone)
    )
    const sizeOf = (which: (entry: Entry<A, E>) => boolean) => [...entries.values()].filter(which).length

    /** Lets an entry go as soon as nobody uses it. */
    const dismiss = (entry: Entry<A, E>) =>
      Effect.suspend(() => {
        entry.isLeaving = true
        return entry.users === 0 ? Deferred.succeed(entry.leave, undefined) : Effect.void
      })

    /** Lets as many idle entries go, the least recently used ones first, as there are others that wait for their slots. */
    const makeRoom = Effect.suspend(() => {
      const free = capacity - sizeOf((entry) => entry.holdsSlot)
      const becomingFree = sizeOf((entry) => entry.holdsSlot && entry.isLeaving && entry.users === 0)
      const wanted = sizeOf((entry) => entry.phase === "waits for a slot") - free - becomingFree
      const idle = [...entries.values()].filter((entry) => entry.isIdle)
      return Effect.forEach(idle.slice(0, Math.max(0, wanted)), dismiss, { discard: true })
    })

    const untilIdle = (entry: Entry<A, E>) =>
      Effect.gen(function* () {
        for (let wait = idleMillis; wait > 0; ) {
          yield* Effect.sleep(wait)
          const now = yield* Clock.currentTimeMillis
          wait = entry.users > 0 ? idleMillis : entry.idleSince + idleMillis - now
          // In the same step as the look at `users`, so that no use comes in between.
          if (wait <= 0) entry.isLeaving = true
        }
      })

    /** The life of a resource: one fiber opens it, waits until it may go, and closes it. */
    const live = (name: string, entry: Entry<A, E>) => {
      const whileOpen = Effect.gen(function* () {
        entry.phase = "opens"
        const resource = yield* open(name)
        entry.phase = "is open"
        totals.opens++
        totals.peak = Math.max(
          totals.peak,
          sizeOf((other) => other.phase === "is open")
        )
        yield* Effect.addFinalizer(() => Effect.sync(() => totals.closes++))
        yield* Deferred.succeed(entry.ready, resource)
        yield* makeRoom
        yield* Effect.race(Deferred.await(entry.leave), untilIdle(entry))
      })
      return Effect.zipRight(makeRoom, slots.withPermits(1)(Effect.scoped(whileOpen))).pipe(
        Effect.provide(context),
        Effect.onExit((exit) => {
          entries.delete(name)
          const failed = Exit.isFailure(exit) ? Deferred.failCause(entry.ready, exit.cause) : Effect.void
          return Effect.zipRight(failed, Deferred.succeed(entry.gone, undefined))
        }),
        Effect.interruptible,
        Effect.forkIn(scope)
      )
    }

    /** Adds a user. Waits for an earlier resource of the name to be closed: two must never be open. */
    const enter = (name: string): Effect.Effect<Entry<A, E>> =>
      Effect.flatMap(makeEntry, (fresh) => {
        const found = entries.get(name)
        if (found?.isLeaving) return Effect.zipRight(Effect.interruptible(Deferred.await(found.gone)), enter(name))
        const entry = found ?? fresh
        entries.delete(name)
        entries.set(name, entry)
        if (found !== undefined) entry.users++
        return found === undefined ? Effect.as(live(name, entry), entry) : Effect.succeed(entry)
      })

    const exit = (entry: Entry<A, E>) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        entry.users--
        entry.idleSince = now
        return entry.isLeaving ? dismiss(entry) : makeRoom
      })

    const use: Pool<A, E>["use"] = (name, body) =>
      Effect.acquireUseRelease(enter(name), (entry) => Effect.flatMap(Deferred.await(entry.ready), body), exit)

    /** Takes the place of a name in the map, with an entry that opens nothing. */
    const bar = (name: string): Effect.Effect<Entry<A, E>> =>
      Effect.flatMap(makeEntry, (entry) => {
        const found = entries.get(name)
        if (found !== undefined) {
          const closed = Effect.interruptible(Deferred.await(found.gone))
          return dismiss(found).pipe(Effect.zipRight(closed), Effect.zipRight(bar(name)))
        }
        entry.phase = "stays closed"
        entry.isLeaving = true
        entries.set(name, entry)
        return Effect.succeed(entry)
      })

    const whileClosed: Pool<A, E>["whileClosed"] = (name, body) =>
      Effect.acquireUseRelease(
        bar(name),
        () => body,
        (entry) =>
          Effect.suspend(() => {
            entries.delete(name)
            return Deferred.succeed(entry.gone, undefined)
          })
      )

    const counts = Effect.sync(
      (): Counts => ({
        ...totals,
        open: sizeOf((entry) => entry.phase === "is open"),
        inUse: sizeOf((entry) => entry.phase === "is open" && entry.users > 0)
      })
    )

    const pool: Pool<A, E> = { use, whileClosed, counts }
    return pool
  })
