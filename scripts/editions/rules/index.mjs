// What is called otherwise in Effect 4, as far as this project uses it. A rule is
//
//   "name"           the member has this name
//   "module#name"    it has this name in another module
//   a function       edits the place itself; for what is more than a name
//
// Source: Effect's migration notes (MIGRATION.md and migration/ in Effect-TS/effect-smol) and the types of effect 4.1.
import { members as membersOfEffect } from "./effect.mjs"
import { members as membersOfHttpApi } from "./httpApi.mjs"
import { members as membersOfPackages } from "./packages.mjs"

export { barrelOf, moduleFor4 } from "./modules.mjs"

/** The rules, by module and member. */
export const members = { ...membersOfEffect, ...membersOfHttpApi, ...membersOfPackages }

/** Members of Effect's values, such as a latch or `it` of @effect/vitest. */
export const instanceMembers = {
  scoped: "effect",
  scopedLive: "live",
  // Of a Result
  left: "failure",
  right: "success",
  unsafeCurrentTimeMillis: "currentTimeMillisUnsafe",
  unsafeCurrentTimeNanos: "currentTimeNanosUnsafe",
  unsafeNext: "nextUnsafe",
  unsafeOpen: "openUnsafe",
  unsafeRead: "readUnsafe"
}

/** Files of the root that this edition has no use for. */
export const absent = [
  ...["src/cli/framework/console.ts", "src/cli/framework/help.ts", "src/cli/framework/words.ts"],
  // It measures backends that only Effect 3 has.
  "bench/adapters.ts"
]
