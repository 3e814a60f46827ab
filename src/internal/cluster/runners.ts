import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ClusterKeys } from "../../core/adapters/clusterKeys.js"
import { readMachineIds, withMachineId } from "../../core/adapters/machineIds.js"
import { RunnerTable } from "../../core/adapters/runnerTable.js"
import { decodeUtf8 } from "../../core/bytes/bytes.js"
import type { OrderedStoreService, WriteError } from "../../OrderedStore.js"
import { attempt, type MailboxFailure } from "./ruleEffects.js"

/** The runners of a cluster. */
export interface Runners {
  readonly table: RunnerTable
  /** The id of the machine with this address, which gets one if it has none. */
  readonly machineId: (address: string) => Effect.Effect<number, WriteError | MailboxFailure>
}

export const openRunners = (store: OrderedStoreService, name: string): Effect.Effect<Runners, MailboxFailure> =>
  Effect.map(
    attempt(() => new ClusterKeys(name)),
    (keys) => ({
      table: new RunnerTable(),
      machineId: (address) =>
        Effect.gen(function* () {
          while (true) {
            const before = yield* store.get(keys.machines)
            const ids = yield* attempt(() => readMachineIds(Option.getOrUndefined(Option.map(before, decodeUtf8))))
            const next = withMachineId(ids, address)
            if (next === ids) return ids[address]!
            if (yield* store.compareAndSet(keys.machines, before, Option.some(JSON.stringify(next))))
              return next[address]!
          }
        })
    })
  )
