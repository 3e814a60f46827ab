import * as fs from "node:fs"
import { hostname } from "node:os"

/**
 * An owner as a file names it, for directories that can have no sockets: which process of which boot of which machine.
 *
 *     effect-lsm owner
 *     {"boot":"…","pidNamespace":"…","pid":7,"startTime":"…","host":"…","flock":false}
 */
export interface OwnerRecord {
  /** Drawn by the kernel at each boot; undefined if the system does not say. */
  readonly boot?: string | undefined
  readonly pidNamespace?: string | undefined
  readonly pid: number
  /** In clock ticks since the boot: a process id that is used again has another one. */
  readonly startTime?: string | undefined
  readonly host: string
  /** Whether the owner holds `flock(2)` of LOCK as well. */
  readonly flock: boolean
}

const magic = "effect-lsm owner\n"
/** No record is longer. */
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
 * Field 22 of /proc/<pid>/stat, and field 3; the second field may hold spaces and parentheses. Undefined if /proc is of another pid
 * namespace, for its numbers are others.
 */
const statOf = (pid: number): { readonly state: string; readonly startTime: string } | undefined => {
  if (readLink("/proc/self") !== String(process.pid)) return undefined
  const text = readText(`/proc/${pid}/stat`)
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ")
  const [state, startTime] = [fields?.[0], fields?.[19]]
  return state === undefined || startTime === undefined ? undefined : { state, startTime }
}

/** This process. */
export const ownRecord = (flock: boolean): OwnerRecord => ({
  boot: readText("/proc/sys/kernel/random/boot_id"),
  pidNamespace: readLink("/proc/self/ns/pid"),
  pid: process.pid,
  startTime: statOf(process.pid)?.startTime,
  host: hostname(),
  flock
})

export const encodeRecord = (record: OwnerRecord): string => `${magic}${JSON.stringify(record)}\n`

/** Reads a record. `foreign` if the file is none of ours; `begun` if it may become one. */
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

/** Whether the process is there, and not another one with its number. */
const isThere = ({ pid, startTime }: OwnerRecord): boolean => {
  const stat = statOf(pid)
  // Some systems hide the processes of other users in /proc.
  if (stat === undefined || startTime === undefined) return isRunning(pid)
  return stat.startTime === startTime && stat.state !== "Z" && stat.state !== "X"
}

/**
 * Whether a record's owner is at work; a text if this process cannot know, which says why. `isLocal`: no other machine reaches the
 * directory. `hasFlock`: this process holds `flock(2)` of LOCK, which an owner that held it too has lost.
 */
export const judgeRecord = (
  record: OwnerRecord,
  self: OwnerRecord,
  { isLocal, hasFlock }: { readonly isLocal: boolean; readonly hasFlock: boolean }
): "live" | "gone" | { readonly unknown: string } => {
  const { boot, host, pid } = record
  if (boot === undefined || self.boot === undefined) {
    return host === self.host
      ? isThere(record)
        ? "live"
        : "gone"
      : { unknown: `process ${pid} of the machine ${host}` }
  }
  if (boot === self.boot) {
    if (record.pidNamespace === self.pidNamespace) return isThere(record) ? "live" : "gone"
    return { unknown: `process ${pid} of another container (${host})` }
  }
  if (isLocal || (record.flock && hasFlock)) return "gone"
  return { unknown: `process ${pid} of the machine ${host}, or of this one before it was started anew` }
}
