#!/usr/bin/env node
import { isModuleNotFound, missingPackages, missingPackagesMessage } from "./missingPackages.js"

// The rest of the program imports packages that a store does not need, so they may be absent.
import("./main.js").then(
  ({ main }) => main(),
  (error: unknown) => {
    const missing = isModuleNotFound(error) ? missingPackages() : []
    if (missing.length === 0) throw error
    process.stderr.write(missingPackagesMessage(missing))
    process.exitCode = 2
  }
)
