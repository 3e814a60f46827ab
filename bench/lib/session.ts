import type { Kind } from "../loops/index.js"
import type { Work } from "../loops/loop.js"
import type { Settings } from "../peers/peer.js"
import { type Entries, permutation } from "./entries.js"
import { noteBeforeClose, noteBeforeOpen } from "./resident.js"
import type { Figures } from "./row.js"
import type { Course } from "./slices.js"

/** An open store, effect-lsm or a peer, that can run loops. */
export interface Session {
  readonly run: (kind: Kind, work: Work, course: Course) => Promise<Figures>
  readonly compact: () => Promise<void>
  readonly close: () => Promise<void>
}

export type OpenSession = (directory: string, settings: Settings) => Promise<Session>

export interface Open extends OpenSession {
  /** The store, and everything else on which its files depend. */
  readonly store: string
  /** Loads the modules of the store, as a program does before it opens one. */
  readonly load: () => Promise<unknown>
}

/** Opens sessions, and notes the memory of the process before the first and at the end of the last. */
export const opener = (store: string, load: () => Promise<unknown>, open: OpenSession): Open =>
  Object.assign(
    async (directory: string, settings: Settings) => {
      noteBeforeOpen()
      const session = await open(directory, settings)
      const close = () => {
        noteBeforeClose()
        return session.close()
      }
      return { ...session, close }
    },
    { store, load }
  )

/** A course without limits, for preparations. */
export const whole = (operations: number, slice = 1000): Course => ({
  operations,
  slice,
  limit: Number.POSITIVE_INFINITY,
  twice: false,
  weight: 1
})

const none = new Uint32Array(0)

export const inBatches = (session: Session, entries: Entries, course = whole(entries.count)): Promise<Figures> =>
  session.run("batches", { entries, order: none }, course)

export const inOrder = (entries: Entries): Work => ({
  entries,
  order: Uint32Array.from({ length: entries.count }, (_, i) => i)
})

export const shuffledWork = (entries: Entries, seed = 4): Work => ({ entries, order: permutation(entries.count, seed) })

/**
 * Entries in a batch of preparation. lmdb 3.5.6 aborts at the first write to a reopened store that
 * batches of 1,000 have filled with 1,000,000 entries (`mdb_freelist_save`).
 */
const preparedBatch = 500

/** Makes a store with all entries, written in batches and compacted, and closes it. */
export const prepare = async (open: Open, directory: string, settings: Settings, entries: Entries): Promise<void> => {
  const session = await open(directory, { ...settings, durability: "buffered" })
  await inBatches(session, entries, whole(entries.count, preparedBatch))
  await session.compact()
  await session.close()
}

/** Runs `use` with a session, and closes it afterwards. */
export const withSession = async <A>(
  open: Open,
  directory: string,
  settings: Settings,
  use: (session: Session) => Promise<A>
): Promise<A> => {
  const session = await open(directory, settings)
  const answer = await use(session)
  await session.close()
  return answer
}
