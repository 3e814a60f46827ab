import { createRequire } from "node:module"

const { peerDependencies } = createRequire(import.meta.url)("../../package.json") as {
  readonly peerDependencies: Readonly<Record<string, string>>
}

export const isModuleNotFound = (error: unknown): boolean =>
  (error as NodeJS.ErrnoException | undefined)?.code === "ERR_MODULE_NOT_FOUND"

const isInstalled = (name: string): boolean => {
  try {
    import.meta.resolve(name)
    return true
  } catch (error) {
    if (isModuleNotFound(error)) return false
    throw error
  }
}

/** The packages that the command line needs, if they are peers in this edition. Others are for adapters. */
const needed = [
  "effect",
  "@effect/platform",
  "@effect/platform-node",
  "@effect/cli",
  "@effect/printer",
  "@effect/printer-ansi"
]

/** Those that are not installed. */
export const missingPackages = (): ReadonlyArray<string> =>
  needed.filter((name) => name in peerDependencies && !isInstalled(name))

/**
 * A package with its version as `npm install` accepts it: `^0.77.0` as `0.77`, `^3.22.0` as `3`.
 */
const withVersion = (name: string): string => {
  const [major, minor] = peerDependencies[name]!.replace("^", "").split(".")
  return `${name}@${major === "0" ? `0.${minor}` : major}`
}

export const missingPackagesMessage = (missing: ReadonlyArray<string>): string =>
  `lsmkv: it needs packages that are not installed: ${missing.join(", ")}\n` +
  `Install them with (add -g if effect-lsm is installed globally):\n` +
  `  npm install ${missing.map(withVersion).join(" ")}\n`
