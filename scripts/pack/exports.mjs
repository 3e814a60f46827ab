import { attempt, expect, run } from "./tools.mjs"

const modules = ["effect-lsm", "effect-lsm/LsmStore", "effect-lsm/WriteBatch", "effect-lsm/package.json"]
const closed = ["effect-lsm/core/memtable/memtable", "effect-lsm/internal/engine/open", "effect-lsm/cli/program"]

const evaluate = (code, project) => run(process.execPath, ["--input-type=module", "-e", code], project).trim()

/** Checks which modules can be imported. */
export const checkImports = (project, more = []) => {
  const code = (specifier) => {
    const attributes = specifier.endsWith(".json") ? `, { with: { type: "json" } }` : ""
    return `import("${specifier}"${attributes}).then(() => console.log("found"), (e) => console.log(e.code))`
  }
  for (const specifier of [...modules, ...more]) {
    const outcome = evaluate(code(specifier), project)
    expect(outcome === "found", `import of ${specifier}: ${outcome}`)
  }
  for (const specifier of closed) {
    const outcome = evaluate(code(specifier), project)
    expect(outcome === "ERR_PACKAGE_PATH_NOT_EXPORTED", `import of ${specifier}: ${outcome}`)
  }
}

/** Checks `require` on a Node that can require ES modules. Returns false on an older one. */
export const checkRequire = (project, node = process.execPath) => {
  const print = `console.log(process.features.require_module === true)`
  if (run(node, ["-e", print], project).trim() !== "true") return false
  const code = `
    const { LsmStore, WriteBatch } = require("effect-lsm")
    console.log(typeof LsmStore.layer, typeof WriteBatch.make, typeof require("effect-lsm/LsmStore").make)`
  const { stdout, stderr } = attempt(node, ["--input-type=commonjs", "-e", code], project)
  expect(stdout.trim() === "function function function", `require of effect-lsm: ${stdout}${stderr}`)
  return true
}
