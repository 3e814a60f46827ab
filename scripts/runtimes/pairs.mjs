// Opens a store in one runtime while another, or the same one, has it open.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { copyFileSync, mkdirSync, readdirSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { attempt, expect } from "../pack/tools.mjs"

const file = "owner.mjs"

/** What opening in a runtime gives. Lines of the log may come before it. */
const openIn = ({ runtime, program, project }, directory) => {
  const { stdout, stderr } = attempt(program, runtime.words(file, "open", directory), project)
  return stdout.trim().split("\n").at(-1) || `fails: ${stderr}`
}

/** Starts a process that has the store open, in a state. Returns a function that kills it. */
const hold = async ({ runtime, program, project }, state, directory) => {
  const options = { cwd: project, stdio: ["ignore", "pipe", "inherit"], detached: true }
  const child = spawn(program, runtime.words(file, state, directory), options)
  const [line] = await once(createInterface(child.stdout), "line")
  expect(line === "holds", `${runtime.name} does not come into the state ${state}: ${line}`)
  const kill = async () => {
    child.kill("SIGKILL")
    await once(child, "exit")
  }
  // Its children are in its process group.
  const killGroup = () => process.kill(-child.pid, "SIGKILL")
  return { child, kill, killGroup }
}

/** Connects to a stopped owner until it has no room for another connection. */
const fillBacklog = async (directory) => {
  const path = join(
    directory,
    readdirSync(directory).find((name) => name.startsWith("LOCK-"))
  )
  const sockets = []
  for (;;) {
    const socket = connect(path)
    const isFull = await new Promise((resolve) => {
      socket.once("connect", () => resolve(false)).on("error", () => resolve(true))
    })
    if (isFull) return () => sockets.forEach((one) => void one.destroy())
    sockets.push(socket)
  }
}

/** In each state of a holder, what opening gives to each runtime. Other outcomes than `expected` are named with their state. */
const outcomesOf = async (holder, openers, newDirectory) => {
  const outcomes = new Map(openers.map(({ runtime }) => [runtime.name, []]))
  const note = ({ runtime }, state, outcome, expected) => {
    if (outcome !== expected) outcomes.get(runtime.name).push(`${state}: ${outcome}`)
  }
  for (const state of ["opening", "read", "read-only", "wrote", "writing", "stopped"]) {
    const directory = newDirectory()
    openIn(holder, directory)
    const { child, kill } = await hold(holder, state === "stopped" ? "wrote" : state, directory)
    let empty = () => undefined
    if (state === "stopped") {
      child.kill("SIGSTOP")
      empty = await fillBacklog(directory)
    }
    for (const opener of openers) note(opener, state, openIn(opener, directory), "StoreLocked")
    empty()
    await kill()
  }
  for (const opener of openers) {
    const directory = newDirectory()
    const { kill, killGroup } = await hold(holder, "parent", directory)
    await kill()
    note(opener, "killed", openIn(opener, directory), "opens")
    killGroup()
  }
  return outcomes
}

/** Tries every pair of installed runtimes. Returns a row for each holder: `one owner`, or what went wrong. */
export const tryPairs = async (installed, directory) => {
  for (const { project } of installed) copyFileSync(join(import.meta.dirname, file), join(project, file))
  let count = 0
  const newDirectory = () => {
    const path = join(directory, "pairs", String(count++))
    mkdirSync(path, { recursive: true })
    return path
  }
  const rows = []
  for (const holder of installed) {
    const row = { holder: holder.runtime.name }
    for (const [opener, wrong] of await outcomesOf(holder, installed, newDirectory)) {
      row[opener] = wrong.length === 0 ? "one owner" : wrong.join("; ")
    }
    rows.push(row)
  }
  return rows
}
