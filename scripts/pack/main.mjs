// Packs the package and uses it as a reader of the README does: runs the install lines as printed, against the registry, and
// the programs, and the command line. With the word `effect4` it packs the tree of the edition for Effect 4.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { checkImports, checkRequire } from "./exports.mjs"
import {
  checkBackgroundThread,
  checkCommandLine,
  checkMissingPackages,
  checkThread,
  threadExample
} from "./features.mjs"
import { measure } from "./installed.mjs"
import { checkLinks } from "./links.mjs"
import {
  compileModules,
  compilePrograms,
  runBackgroundBundle,
  runBundle,
  runPrograms,
  runThreadBundle
} from "./programs.mjs"
import { install, installLines, programs } from "./readme.mjs"
import { compileReplacements } from "./replacements.mjs"
import { expect, makeProject, pack, root, withTemporaryDirectory } from "./tools.mjs"

/** What a store may bring along, itself and Effect included. */
const mostPackages = 16

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
const [storeLine, ...moreLines] = installLines

await withTemporaryDirectory(async (directory) => {
  const { tarball, files, size } = pack(directory)
  const wanted = ["README.md", "CHANGELOG.md", "LICENSE", "dist/index.js", "dist/index.d.ts", "dist/cli/lsmkv.js"]
  for (const path of [...wanted, "dist/internal/background/thread.js", "dist/internal/thread/compactionThread.js"]) {
    expect(files.includes(path), `${path} is not in the package`)
  }
  const strays = files.filter((path) => /^(test|bench|scripts)\/.*\.([cm]?[jt]s|json)$/.test(path))
  expect(strays.length === 0, `in the package: ${strays.join(", ")}`)
  const links = checkLinks(files)
  console.log(`${files.length} files, ${size} bytes packed; ${links} links lead to files of the package`)

  const project = makeProject(join(directory, "project"))
  install(storeLine, tarball, project)
  const { packages, megabytes } = measure(project)
  console.log(`${storeLine}: ${packages} packages, ${megabytes} MB`)
  expect(packages <= mostPackages, `a store brings ${packages} packages, more than ${mostPackages}`)
  const modules = compileModules(project)
  compilePrograms(project)
  runPrograms(project)
  const replacements = compileReplacements(project)
  await runBundle(project, makeProject(join(directory, "bundle")))
  checkBackgroundThread(project)
  await runBackgroundBundle(project, (name) => makeProject(join(directory, name)))
  checkImports(project)
  const required = checkRequire(project) ? "require" : "no require on this Node"
  const line = checkMissingPackages(project)
  console.log(`${programs.length} programs of the README compile and run; a bundle of the first; ${required}`)
  console.log(`${modules} modules and ${replacements} files of replaced components compile`)

  for (const more of moreLines) install(more, tarball, project)
  expect(moreLines.includes(line), `lsmkv names an install line that the README does not have: ${line}`)
  const adapters = ["KeyValueStore", "Persistence", "PersistedQueue", "RateLimiter"]
  checkImports(
    project,
    [...adapters, "CompactionWorker"].map((name) => `effect-lsm/${name}`)
  )
  checkThread(project)
  await runThreadBundle(project, makeProject(join(directory, "thread bundle")), threadExample)
  checkCommandLine(project, version)
  console.log(`${moreLines.join("; ")}: ${measure(project).packages} packages; the thread and the command line run`)
})
