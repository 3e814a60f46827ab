import { spawnSync } from "node:child_process"
import { it } from "@effect/vitest"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** A test of what only Linux has. */
export const onLinux = process.platform === "linux" ? it.scoped : it.scoped.skip

/** The program that makes namespaces, if it is there and this user may. */
const unshare = ((): string | undefined => {
  if (process.platform !== "linux") return undefined
  const { status } = spawnSync("unshare", ["-n", "-p", "--fork", "true"], { stdio: "ignore" })
  return status === 0 ? spawnSync("sh", ["-c", "command -v unshare"], { encoding: "utf8" }).stdout.trim() : undefined
})()

/** A test that wants namespaces of its own; where there are none it is skipped, and its name says why. */
export const withNamespaces = (
  name: string,
  run: (unshare: string) => Effect.Effect<unknown, unknown, Scope.Scope>
): void => {
  if (unshare !== undefined) it.scoped(name, () => run(unshare))
  else it.scoped.skip(`${name} (not tested: no namespaces can be made here)`, () => run(""))
}
