import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashSet from "effect/HashSet"

type Result<A> = { readonly value: A } | { readonly fault: string }

/** A variable whose text is read by a function that says what is wrong with it. */
export const textConfig = <A>(name: string, read: (text: string) => Result<A>): Config.Config<A> =>
  Config.mapOrFail(Config.string(name), (text) => {
    const result = read(text)
    return "fault" in result ? Either.left(ConfigError.InvalidData([], result.fault)) : Either.right(result.value)
  })

/** What is wrong with a variable, as an error. */
export const badVariable = (name: string, fault: string): ConfigError.ConfigError =>
  ConfigError.InvalidData([name], fault)

/** Goes on with a value, or says what is wrong with a variable. */
export const checked = <A, B>(
  config: Config.Config<A>,
  check: (value: A) => { readonly value: B } | { readonly name: string; readonly fault: string }
): Config.Config<B> =>
  Config.mapOrFail(config, (value) => {
    const result = check(value)
    return "fault" in result ? Either.left(badVariable(result.name, result.fault)) : Either.right(result.value)
  })

/** The names one step below a path, as the application's provider of configuration lists them. */
export const namesBelow = (path: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>> =>
  Effect.configProviderWith(({ flattened }) =>
    flattened.enumerateChildren(path).pipe(
      Effect.map((names) => Array.from(names)),
      // A provider that cannot list names has none to check.
      Effect.catchAll(() => Effect.succeed(Array.from(HashSet.empty<string>())))
    )
  )
