import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { fromText } from "./optionSchemas.js"

type Result<A> = { readonly value: A } | { readonly fault: string }

/** A variable whose text is read by a function that says what is wrong with it. */
export const textConfig = <A>(name: string, read: (text: string) => Result<A>): Config.Config<A> =>
  Config.schema(
    fromText(Schema.Any, (text) => read(String(text))),
    name
  ) as Config.Config<A>

/** What is wrong with a variable, as an error. */
export const badVariable = (name: string, fault: string): Config.ConfigError =>
  new Config.ConfigError(
    new Schema.SchemaError(new SchemaIssue.Pointer([name], new SchemaIssue.InvalidValue({ message: fault })))
  )

/** Goes on with a value, or says what is wrong with a variable. */
export const checked = <A, B>(
  config: Config.Config<A>,
  check: (value: A) => { readonly value: B } | { readonly name: string; readonly fault: string }
): Config.Config<B> =>
  Config.mapEffect(config, (value) => {
    const outcome = check(value)
    if ("value" in outcome) return Effect.succeed(outcome.value)
    return Effect.fail(badVariable(outcome.name, outcome.fault))
  })

/** The names one step below a path, as the application's provider of configuration lists them. */
export const namesBelow = (path: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    const provider = yield* ConfigProvider.ConfigProvider
    const node = yield* provider.load(path)
    return node?._tag === "Record" ? [...node.keys] : []
  }).pipe(Effect.orElseSucceed(() => []))
