import { createRequire } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { isModuleNotFound } from "../missingPackages.js"
import { SourceFailure } from "./source.js"

/**
 * Imports a package that effect-lsm does not depend on: from `directory`, where the user works, or else from where
 * the command line is installed. `install` is the package with the version that is known to work.
 */
export const loadPackage = async <Module>(directory: string, name: string, install: string): Promise<Module> => {
  const specifier = resolveFrom(directory, name) ?? name
  try {
    const module = (await import(specifier)) as Module & { readonly default?: Module }
    return module.default ?? module
  } catch (error) {
    if (specifier === name && isModuleNotFound(error)) {
      throw new SourceFailure(`it needs a package that is not installed; install it with: npm install ${install}`)
    }
    throw new SourceFailure(`the package ${name} is installed and does not load: ${reasonOf(error)}`)
  }
}

/** The address of a package's main file, seen from a directory; undefined if the package is not installed there. */
const resolveFrom = (directory: string, name: string): string | undefined => {
  try {
    return pathToFileURL(createRequire(join(directory, "package.json")).resolve(name)).href
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") return undefined
    throw new SourceFailure(`the package ${name} is installed and does not load: ${reasonOf(error)}`)
  }
}

/** The innermost message of an error: the outer ones of stores say only that opening failed. */
export const reasonOf = (error: unknown): string => {
  let inner = error
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause
  return inner instanceof Error ? inner.message : String(inner)
}
