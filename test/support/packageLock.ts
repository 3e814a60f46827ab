import { readFileSync } from "node:fs"

export interface PackageLock {
  readonly version: string
  readonly packages: Readonly<Record<string, { readonly version: string }>>
}

/** Reads the lock file of the packages that the package is tested with. */
export const packageLock = (): PackageLock =>
  JSON.parse(readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8"))
