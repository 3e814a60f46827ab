import { MiB, residentMiB } from "./measured.js"
import type { Figures } from "./row.js"

/** The resident memory of this process before it opened its first store. */
let before: number | undefined
let after = Number.NaN

/** Called before a store and its modules are loaded. Only the first call in a process counts. */
export const noteBeforeOpen = (): void => {
  before ??= residentMiB()
}

/** Called before a store is closed. The last call counts, because the last store is the measured one. */
export const noteBeforeClose = (): void => {
  after = process.memoryUsage.rss() / MiB
}

/** The resident memory of this process at the end, minus that before it opened a store. */
export const resident = "rss MiB"

/** What the process took before it opened a store. The table does not show it. */
export const residentBefore = "rss before MiB"

export const residentFigures = (): Figures =>
  before === undefined ? {} : { [resident]: after - before, [residentBefore]: before }
