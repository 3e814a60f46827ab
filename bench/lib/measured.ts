import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"

/** The bytes that the files of a directory take on disk, without holes. */
export const directoryBytes = (directory: string): number =>
  readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => statSync(join(directory, name)))
    .filter((stat) => stat.isFile())
    .reduce((sum, { size, blocks }) => sum + Math.min(size, blocks * 512), 0)

/**
 * The bytes that this process has passed to write calls, as counted by Linux. NaN on other systems.
 */
export const writtenBytes = (): number => {
  try {
    return Number(/^wchar: (\d+)$/m.exec(readFileSync("/proc/self/io", "latin1"))?.[1])
  } catch {
    return Number.NaN
  }
}

export const MiB = 1024 * 1024

export const residentMiB = (): number => {
  globalThis.gc?.()
  return process.memoryUsage.rss() / MiB
}

export const peakMiB = (): number => process.resourceUsage().maxRSS / 1024
