import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))

export interface Ended {
  readonly output: string
  readonly code: number | null
}

export interface ExampleProgram {
  readonly child: ChildProcess
  /** Waits for the first match of `pattern` in the output. */
  readonly match: (pattern: RegExp) => Promise<RegExpExecArray>
  readonly ended: Promise<Ended>
}

/**
 * Starts a file of examples/, with `env` added to the environment. Loads `tsx` into the process,
 * because the `tsx` command kills a child that takes longer than 60 ms to confirm a signal.
 */
export const startExample = (file: string, env: NodeJS.ProcessEnv): ExampleProgram => {
  const child = spawn(process.execPath, ["--import", "tsx", join("examples", file)], {
    cwd: root,
    env: { ...process.env, TSX_TSCONFIG_PATH: join(root, "examples", "tsconfig.json"), ...env }
  })
  let output = ""
  let check = (): void => undefined
  const collect = (text: Buffer): void => {
    output += text.toString()
    check()
  }
  child.stdout.on("data", collect)
  child.stderr.on("data", collect)
  const ended = new Promise<Ended>((resolve) => child.on("close", (code) => resolve({ output, code })))
  const match = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      check = () => {
        const found = pattern.exec(output)
        if (found !== null) resolve(found)
      }
      check()
      void ended.then(() => reject(new Error(`${file} printed no ${pattern}: ${output}`)))
    })
  return { child, match, ended }
}
