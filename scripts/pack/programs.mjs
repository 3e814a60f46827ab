import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { build } from "esbuild"
import { programs } from "./readme.mjs"
import { expect, root, run } from "./tools.mjs"

const fileOf = (index) => `readme-${index + 1}.mts`

/** Checks the README's programs with `tsc --strict`, and the declarations that they use with them. */
export const compilePrograms = (project) => {
  mkdirSync(join(project, "node_modules/@types"), { recursive: true })
  for (const name of ["@types/node", "undici-types"]) {
    symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name))
  }
  for (const [index, code] of programs.entries()) writeFileSync(join(project, fileOf(index)), code)
  const tsc = join(root, "node_modules/typescript/bin/tsc")
  const options = ["--strict", "--module", "NodeNext", "--moduleResolution", "NodeNext", "--target", "ES2022"]
  run(process.execPath, [tsc, ...options, ...programs.map((_, index) => fileOf(index))], project)
}

/** Runs the README's programs as compiled, twice: the second time they find the data of the first. */
export const runPrograms = (project) => {
  const printed = []
  for (const [index] of programs.entries()) {
    const program = fileOf(index).replace(/mts$/, "mjs")
    const first = run(process.execPath, [program], project)
    const second = run(process.execPath, [program], project)
    expect(first === second, `program ${index + 1} of the README prints something else the second time`)
    printed.push(first)
  }
  expect(printed[0].includes("user:1 Ada"), `the first program printed ${JSON.stringify(printed[0])}`)
  return printed
}

/** Bundles the README's first program into one file, and runs it where no package is installed. */
export const runBundle = async (project, empty) => {
  const outfile = join(empty, "bundle.mjs")
  await build({
    entryPoints: [join(project, fileOf(0))],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "error"
  })
  const printed = run(process.execPath, [outfile], empty)
  expect(printed.includes("user:1 Ada"), `the bundle printed ${JSON.stringify(printed)}`)
}
