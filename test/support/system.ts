import { spawnSync } from "node:child_process"
import { it } from "@effect/vitest"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** A test that runs only on Linux. */
export const onLinux = process.platform === "linux" ? it.scoped : it.scoped.skip

/** The path of `unshare`, if this user can make namespaces with it. */
const unshare = ((): string | undefined => {
  if (process.platform !== "linux") return undefined
  const { status } = spawnSync("unshare", ["-n", "-p", "--fork", "true"], { stdio: "ignore" })
  return status === 0 ? spawnSync("sh", ["-c", "command -v unshare"], { encoding: "utf8" }).stdout.trim() : undefined
})()

/** A test that needs namespaces. If none can be made it is skipped, and its name says so. */
export const withNamespaces = (
  name: string,
  run: (unshare: string) => Effect.Effect<unknown, unknown, Scope.Scope>
): void => {
  if (unshare !== undefined) it.scoped(name, () => run(unshare))
  else it.scoped.skip(`${name} (skipped: cannot make namespaces)`, () => run(""))
}
