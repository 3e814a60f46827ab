// The program of a store's background thread. It imports nothing of Effect: see wire.ts.
import { parentPort } from "node:worker_threads"
import { type Job, type JobStorage, TableJobs, type TableOptions } from "../../core/jobs/tableJobs.js"
import { removeFile, syncDirectory } from "../../core/storage/nodeDirectory.js"
import { makeNodeDriver } from "../../core/storage/nodeFile.js"
import { encodeFailure, type FromThread, type ToThread } from "./wire.js"

const port = parentPort!
const tell = (message: FromThread): void => port.postMessage(message)

const storageWith = ({ fileMode }: TableOptions): JobStorage => ({
  driver: makeNodeDriver(fileMode),
  turn: setImmediate,
  remove: removeFile,
  syncDirectory
})
const jobs = new TableJobs()
const underWay = new Map<number, Job>()

const run = async (id: number, job: Job): Promise<void> => {
  underWay.set(id, job)
  try {
    const result = await job.outcome
    tell(result === undefined ? { kind: "cancelled", id } : { kind: "written", id, result })
  } catch (failure) {
    tell({ kind: "failed", id, failure: encodeFailure(failure) })
  } finally {
    underWay.delete(id)
  }
}

port.on("message", (message: ToThread) => {
  switch (message.kind) {
    case "merge":
      return void run(message.id, jobs.merge(storageWith(message.request.options), message.request))
    case "flush":
      return void run(message.id, jobs.flush(storageWith(message.request.options), message.request))
    case "cancel":
      return underWay.get(message.id)?.cancel()
  }
})

tell({ kind: "ready" })
