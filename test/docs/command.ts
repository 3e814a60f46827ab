import { execFile } from "node:child_process"

/** Runs a program to its end and returns what it printed; fails if it does. Nothing else of this process waits meanwhile. */
export const run = (
  program: string,
  args: ReadonlyArray<string>,
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv }
): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(program, args, { ...options, encoding: "utf8", timeout: 110_000 }, (error, printed) =>
      error === null ? resolve(printed) : reject(error)
    )
  })
