import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"

/**
 * Runs modules one after the other, each in an empty directory, and sends the parent a message after each. One process for all of
 * them: to load Effect takes longer than most of them run.
 */
for (const module of process.argv.slice(2)) {
  const directory = mkdtempSync(join(tmpdir(), "effect-lsm-docs-"))
  process.chdir(directory)
  let printed = ""
  process.stdout.write = (text) => {
    printed += typeof text === "string" ? text : new TextDecoder().decode(text)
    return true
  }
  let error: string | undefined
  try {
    await import(pathToFileURL(module).href)
  } catch (cause) {
    error = cause instanceof Error ? String(cause.stack) : String(cause)
  }
  process.chdir("/")
  rmSync(directory, { recursive: true, force: true })
  process.send?.({ module, printed, error })
}
process.disconnect?.()
