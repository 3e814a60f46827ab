import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ArraySource } from "./arraySource.js"

type Elements<A> = readonly [A, ...Array<A>]

/**
 * A Stream of the elements of a source, as the arrays that it returns. The source is released when
 * its last array was taken, or when the Stream fails or is interrupted.
 *
 * It is a channel built by hand, so that a source is released before the Stream asks it once more.
 */
export const arrayStream = <S, A, E>(
  acquire: Effect.Effect<S, E>,
  sourceOf: (resource: S) => ArraySource<A, E>,
  release: (resource: S) => void
): Stream.Stream<A, E> =>
  Stream.fromChannel(
    Channel.fromTransform((_: unknown, scope) =>
      Effect.uninterruptible(
        Effect.flatMap(acquire, (resource) => {
          const { pull, end } = puller(sourceOf(resource), () => release(resource))
          return Effect.as(Scope.addFinalizer(scope, Effect.sync(end)), pull)
        })
      )
    )
  )

const puller = <A, E>({ next, hasMore }: ArraySource<A, E>, release: () => void) => {
  let hasEnded = false
  const end = (): void => {
    if (hasEnded) return
    hasEnded = true
    release()
  }
  const more = Effect.flatMap(next, (elements): Pull.Pull<Elements<A>> => {
    if (elements.length === 0) return done(end)
    if (!hasMore()) end()
    return Effect.succeed(elements as Elements<A>)
  })
  const pull: Pull.Pull<Elements<A>, E> = Effect.suspend(() => (hasEnded ? Cause.done() : more))
  return { pull, end }
}

const done = (end: () => void): Pull.Pull<never> => {
  end()
  return Cause.done()
}
