import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Figures, Run } from "./row.js"

/**
 * Runs a script in a separate process, and returns the JSON of its last line. The lines before are
 * its log.
 */
export const runScript = <A>(script: string, args: ReadonlyArray<string>): Promise<A> =>
  new Promise((resolve, reject) => {
    const loader = script.endsWith(".ts") ? ["--import", "tsx"] : []
    const child = spawn(process.execPath, ["--expose-gc", ...loader, script, ...args], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    let output = ""
    child.stdout.on("data", (text) => {
      output += text
    })
    child.on("error", reject)
    child.on("close", (code, signal) => {
      const lines = output.trimEnd().split("\n")
      const answer = lines.pop() ?? ""
      if (lines.length > 0) console.error(lines.join("\n"))
      if (code === 0) resolve(JSON.parse(answer))
      else if (signal === "SIGKILL" && answer === killed) resolve(undefined as A)
      else
        reject(new Error(`the process of ${args.slice(0, 2).join(", ")} ended with ${code ?? signal} ${answer}`.trim()))
    })
  })

/** The last line of a process that is about to kill itself. */
const killed = "killed"

export const killSelf = (): Promise<never> =>
  new Promise(() => process.stdout.write(`${killed}\n`, () => process.kill(process.pid, "SIGKILL")))

/** Runs one part of this contender in another process, and returns its figures. */
export const runPart = (run: Run, part: string): Promise<Figures> => {
  const [, script = "", row = "", contender = ""] = process.argv
  return runScript(script, [row, contender, JSON.stringify({ ...run, part })])
}

/** Runs `use` with a new directory, and removes it afterwards. */
export const withDirectory = async <A>(use: (directory: string) => Promise<A>): Promise<A> => {
  const directory = mkdtempSync(join(tmpdir(), "effect-lsm-bench-"))
  try {
    return await use(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
