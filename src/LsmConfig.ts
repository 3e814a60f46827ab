/**
 * The options of a store from elsewhere: JSON, environment variables, and whatever else Effect's
 * `Config` reads. All of it is made of the one description of each option.
 *
 * @since 3.1.0
 */
import type * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import { makeSchema } from "./internal/configuration/schema.js"
import { loadOptions, optionsConfig } from "./internal/configuration/variables.js"
import type { AnySchema } from "./internal/effect/schemaNodes.js"
import type { LsmOptions } from "./LsmOptions.js"

/**
 * Options as they are written in JSON. Sizes are numbers of bytes or text such as `"64 MiB"`,
 * durations numbers of milliseconds or text such as `"5 minutes"`, permissions octal text such as
 * `"0600"`, and infinity is `"Infinity"`.
 *
 * @since 3.1.0
 * @category models
 */
export type OptionsJson = { readonly [Name in keyof LsmOptions]: Json<LsmOptions[Name]> }

type Json<A> = A extends undefined
  ? A
  : A extends string | boolean
    ? A
    : A extends number
      ? number | string
      : A extends ReadonlyArray<infer Element>
        ? ReadonlyArray<Element>
        : Duration.DurationInput extends A
          ? number | string
          : { readonly [Name in keyof A]: FieldJson<A[Name]> }

type FieldJson<A> = number | string | Extract<A, undefined>

/**
 * The Schema of a store's options. It has the bounds that opening a store checks, so that it refuses
 * what `LsmStore.make` would refuse, except rules between two options. An unknown name is refused,
 * with the nearest one that is known. Its annotations, and so its JSON Schema, tell default and unit.
 *
 * @since 3.1.0
 * @category schemas
 */
export const schema: AnySchema<LsmOptions, OptionsJson> = makeSchema()

/**
 * Options from variables of the application's configuration, usually environment variables: one for
 * each option, such as `LSM_DIRECTORY` and `LSM_MEMTABLE_BYTES`. Values are written as in JSON, without
 * quotes; a list has commas between its elements. Options that are objects have a variable for each
 * field: `LSM_DURABILITY_INTERVAL`, `LSM_DURABILITY_MAX_BYTES`, `LSM_CHANGE_RETENTION_BYTES` and
 * `LSM_CHANGE_RETENTION_AGE`. `LSM_DIRECTORY` must be there.
 *
 * A bad value is a `ConfigError` that names the variable. A `Config` cannot see variables that it does
 * not read, so it cannot report an unknown one: `load` does.
 *
 * @since 3.1.0
 * @category config
 */
export const config = (prefix = "LSM"): Config.Config<LsmOptions> => optionsConfig(prefix)

/**
 * `config`, which also fails if a variable has the prefix and nearly the name of an option, such as
 * `LSM_MEMTABLE_BYTE`. It sees the names that the provider of configuration can list: those of
 * environment variables, maps and JSON are.
 *
 * @since 3.1.0
 * @category config
 */
export const load = (prefix = "LSM"): Effect.Effect<LsmOptions, ConfigError.ConfigError> => loadOptions(prefix)
