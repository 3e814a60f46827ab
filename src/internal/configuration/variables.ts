import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { nearest } from "../../core/options/nearest.js"
import { optionNames } from "../../core/options/options.js"
import { assemble, constantCase, type Setting, settings } from "../../core/options/settings.js"
import type { LsmOptions } from "../../LsmOptions.js"
import { badVariable, checked, namesBelow, textConfig } from "../effect/textConfig.js"
import { checkText } from "../options/checkValue.js"

/** The variable of a setting. */
const naming =
  (prefix: string) =>
  (path: string): string =>
    prefix === "" ? constantCase(path) : `${prefix}_${constantCase(path)}`

/** Options from variables such as `LSM_MEMTABLE_BYTES`, with `LSM` as the prefix. */
export const optionsConfig = (prefix: string): Config.Config<LsmOptions> => {
  const nameOf = naming(prefix)
  const variable = ({ kind, path }: Setting): Config.Config<unknown> => {
    if (path === "directory") return textConfig(nameOf(path), (text) => checkText(kind, text))
    // A variable that is empty counts as absent.
    const config = textConfig(nameOf(path), (text) => (text === "" ? { value: undefined } : checkText(kind, text)))
    return Config.map(Config.option(config), Option.getOrUndefined)
  }
  const all = settings(optionNames)
  return checked(Config.all(all.map(variable)), (values) => {
    const assembled = assemble(
      all.map((each, i) => [each, values[i]] as const),
      nameOf
    )
    return "fault" in assembled
      ? { name: nameOf(assembled.setting.path), fault: assembled.fault }
      : { value: assembled.options as unknown as LsmOptions }
  })
}

/** Names of variables have fewer parts than this. */
const deepest = 8

/** The names under a path, in full. A provider may split them at each `_`. */
const namesUnder = (path: ReadonlyArray<string>, depth = 0): Effect.Effect<ReadonlyArray<string>> =>
  Effect.flatMap(namesBelow(path), (names) =>
    names.length === 0 || depth === deepest
      ? Effect.succeed(path.length === 0 ? [] : [path.join("_")])
      : Effect.map(
          Effect.forEach(names, (name) => namesUnder([...path, name], depth + 1)),
          (found) => found.flat()
        )
  )

/** `optionsConfig`, which also refuses variables that are named nearly like one of an option. */
export const loadOptions = (prefix: string): Effect.Effect<LsmOptions, ConfigError.ConfigError> =>
  Effect.gen(function* () {
    const known = settings(optionNames).map(({ path }) => naming(prefix)(path))
    const start = `${prefix}_`
    const whole = (yield* namesBelow([])).filter((name) => name.startsWith(start))
    const split = prefix === "" ? [] : yield* namesUnder(prefix.split("_"))
    for (const name of [...whole, ...split]) {
      if (known.includes(name) || !name.startsWith(start)) continue
      const near = nearest(
        name.slice(start.length),
        known.map((each) => each.slice(start.length))
      )
      if (near !== undefined)
        return yield* Effect.fail(badVariable(name, `is not an option; the nearest is ${start}${near}`))
    }
    return yield* optionsConfig(prefix)
  })
