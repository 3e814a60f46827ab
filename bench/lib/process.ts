import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Runs a script of this package in a process of its own, and answers the JSON of its last line. The lines before are its log. */
export const runScript = <A>(script: string, args: ReadonlyArray<string>): Promise<A> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--expose-gc", "--import", "tsx", script, ...args], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    let output = ""
    child.stdout.on("data", (text) => {
      output += text
    })
    child.on("error", reject)
    child.on("close", (code) => {
      const lines = output.trimEnd().split("\n")
      const answer = lines.pop() ?? ""
      if (lines.length > 0) console.error(lines.join("\n"))
      if (code === 0) resolve(JSON.parse(answer))
      else reject(new Error(`${script} ${args.slice(0, 2).join(" ")} ended with ${code}`))
    })
  })

/** Lends a fresh directory. */
export const withDirectory = async <A>(use: (directory: string) => Promise<A>): Promise<A> => {
  const directory = mkdtempSync(join(tmpdir(), "effect-lsm-bench-"))
  try {
    return await use(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
