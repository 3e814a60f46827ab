import * as fs from "node:fs"
import { hostname } from "node:os"

/**
 * The record of an owner, for directories where sockets are impossible. It identifies the process,
 * the boot and the machine.
 *
 *     effect-lsm owner
 *     {"boot":"…","pidNamespace":"…","pid":7,"startTime":"…","host":"…","flock":false}
 */
export interface OwnerRecord {
  /** Drawn at random by the kernel at each boot; undefined if the system has none. */
  readonly boot?: string | undefined
  readonly pidNamespace?: string | undefined
  readonly pid: number
  /** In clock ticks since boot. Distinguishes processes that reuse an id. */
  readonly startTime?: string | undefined
  readonly host: string
  /** Whether the owner also holds `flock(2)` of LOCK. */
  readonly flock: boolean
}

const magic = "effect-lsm owner\n"
/** The longest record. */
const mostBytes = 4096

const readText = (path: string): string | undefined => {
  try {
    return fs.readFileSync(path, "latin1").trim()
  } catch {
    return undefined
  }
}

const readLink = (path: string): string | undefined => {
  try {
    return fs.readlinkSync(path)
  } catch {
    return undefined
  }
}

/**
 * Fields 3 and 22 of /proc/<pid>/stat. Field 2 may contain spaces and parentheses. Undefined if
 * /proc belongs to another pid namespace, where processes have other ids.
 */
const statOf = (pid: number): { readonly state: string; readonly startTime: string } | undefined => {
  if (readLink("/proc/self") !== String(process.pid)) return undefined
  const text = readText(`/proc/${pid}/stat`)
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ")
  const [state, startTime] = [fields?.[0], fields?.[19]]
  return state === undefined || startTime === undefined ? undefined : { state, startTime }
}

/** The record of this process. */
export const ownRecord = (flock: boolean): OwnerRecord => ({
  boot: readText("/proc/sys/kernel/random/boot_id"),
  pidNamespace: readLink("/proc/self/ns/pid"),
  pid: process.pid,
  startTime: statOf(process.pid)?.startTime,
  host: hostname(),
  flock
})

export const encodeRecord = (record: OwnerRecord): string => `${magic}${JSON.stringify(record)}\n`

/** Reads a record. `foreign` if the file is not a record; `begun` if it may become one. */
export const readRecord = (path: string): OwnerRecord | "foreign" | "begun" => {
  const { O_NOFOLLOW = 0, O_RDONLY } = fs.constants
  const fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW)
  try {
    const bytes = Buffer.alloc(mostBytes)
    return decodeRecord(bytes.toString("utf8", 0, fs.readSync(fd, bytes, 0, mostBytes, 0)))
  } finally {
    fs.closeSync(fd)
  }
}

const decodeRecord = (text: string): OwnerRecord | "foreign" | "begun" => {
  if (magic.startsWith(text)) return "begun"
  if (!text.startsWith(magic)) return "foreign"
  try {
    const value = JSON.parse(text.slice(magic.length)) as Partial<Record<keyof OwnerRecord, unknown>>
    const { boot, pidNamespace: namespace, pid, startTime, host, flock } = value
    const isText = (field: unknown): field is string | undefined => field === undefined || typeof field === "string"
    if (!isText(boot) || !isText(namespace) || !isText(startTime) || typeof host !== "string") return "foreign"
    if (typeof pid !== "number" || !Number.isInteger(pid) || pid <= 0) return "foreign"
    return { boot, pidNamespace: namespace, pid, startTime, host, flock: flock === true }
  } catch {
    return "begun"
  }
}

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM"
  }
}

/** Whether the process is running and is not another process with the same id. */
const isThere = ({ pid, startTime }: OwnerRecord): boolean => {
  const stat = statOf(pid)
  // Some systems hide the processes of other users in /proc.
  if (stat === undefined || startTime === undefined) return isRunning(pid)
  return stat.startTime === startTime && stat.state !== "Z" && stat.state !== "X"
}

/**
 * Whether a record's owner is running. `unknown` describes an owner of which this process cannot
 * know that. `isLocal`: only this machine can access the directory. `hasFlock`: this process holds
 * `flock(2)` of LOCK, so an owner that also held it has lost it.
 */
export const judgeRecord = (
  record: OwnerRecord,
  self: OwnerRecord,
  { isLocal, hasFlock }: { readonly isLocal: boolean; readonly hasFlock: boolean }
): "live" | "gone" | { readonly unknown: string } => {
  const { boot, host, pid } = record
  if (boot === undefined || self.boot === undefined) {
    return host === self.host ? (isThere(record) ? "live" : "gone") : { unknown: `process ${pid} on machine ${host}` }
  }
  if (boot === self.boot) {
    if (record.pidNamespace === self.pidNamespace) return isThere(record) ? "live" : "gone"
    return { unknown: `process ${pid} in another container (${host})` }
  }
  if (isLocal || (record.flock && hasFlock)) return "gone"
  return { unknown: `process ${pid} on machine ${host}, or on this machine before it restarted` }
}
