import { fork } from "node:child_process"
import { join } from "node:path"
import { compilePrograms } from "../support/builtPrograms.js"

/** How a module ended. */
export interface Ending {
  readonly printed: string
  readonly error: string | undefined
}

interface Message extends Ending {
  readonly module: string
}

/** No program of the guide runs longer than this. */
const limit = 60_000

/** Runs modules until the process ends, by itself or by one that hangs or kills it; answers those that ended. */
const runTogether = (runner: string, modules: ReadonlyArray<string>) =>
  new Promise<{ readonly endings: Map<string, Ending>; readonly why: string }>((resolve) => {
    const endings = new Map<string, Ending>()
    const child = fork(runner, modules, { execArgv: [], stdio: ["ignore", "pipe", "pipe", "ipc"] })
    let why = ""
    let timer: NodeJS.Timeout
    const watch = () => {
      clearTimeout(timer)
      timer = setTimeout(() => {
        why = `still running after ${limit} ms`
        child.kill("SIGKILL")
      }, limit)
    }
    watch()
    child.stderr!.on("data", (text: Buffer) => {
      why += text.toString()
    })
    child.on("message", ({ module, printed, error }: Message) => {
      endings.set(module, { printed, error })
      watch()
    })
    child.on("close", (code, signal) => {
      clearTimeout(timer)
      resolve({ endings, why: `${why} (exit code ${code}, signal ${signal})` })
    })
  })

/** Runs each module in an empty directory, by the build. One that ends the process does not keep the others from running. */
export const runModules = async (modules: ReadonlyArray<string>): Promise<ReadonlyMap<string, Ending>> => {
  const runner = join(compilePrograms("docs", ["test/docs/runner.ts"]), "runner.js")
  const all = new Map<string, Ending>()
  for (let left = modules; left.length > 0; left = modules.filter((module) => !all.has(module))) {
    const { endings, why } = await runTogether(runner, left)
    for (const [module, ending] of endings) all.set(module, ending)
    const stopped = left.find((module) => !all.has(module))
    if (stopped !== undefined) all.set(stopped, { printed: "", error: why })
  }
  return all
}
