import { randomUUID } from "node:crypto"
import { Context, Data, type Duration, Effect, Layer } from "effect"
import { type LsmError, LsmStore, Storage } from "effect-lsm"
import { type Desk, type DeskError, openDesk } from "./desk.js"
import { type Counts, makePool } from "./pool.js"

/** The name of a tenant becomes the name of a directory, so it must not lead to another one. */
export class InvalidTenant extends Data.TaggedError("InvalidTenant")<{ readonly tenant: string }> {}

/** The store of a tenant cannot be opened: `cause` says why, for example that a file is damaged. Other tenants are not affected. */
export class TenantUnavailable extends Data.TaggedError("TenantUnavailable")<{
  readonly tenant: string
  readonly cause: LsmError.OpenError | DeskError
}> {}

export interface TenantsOptions {
  /** Each tenant has a directory in it. */
  readonly directory: string
  /** The most stores that are open at once. */
  readonly capacity: number
  readonly idleTimeToLive: Duration.DurationInput
}

const MiB = 1024 * 1024

/** The memory of an open store is bounded by these, and the memory of the service by `capacity` times as much. */
export const budget = { memtableBytes: MiB, maxFrozenMemtables: 1, blockCacheBytes: MiB }

const storeOptions = {
  ...budget,
  maxOpenTables: 8,
  tableBytes: MiB,
  level1Bytes: 4 * MiB,
  // A thread for each store would take more memory than all the rest.
  backgroundThread: false,
  // One name for all. Metrics are kept by name, so a name for each tenant would keep a thousand sets of them.
  name: "tenant"
}

export interface TenantsService {
  /** Runs `body` with the help desk of a tenant. The first use makes its store. */
  readonly use: <A, E, R>(
    tenant: string,
    body: (desk: Desk) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | InvalidTenant | TenantUnavailable, R>
  /** Removes all that a tenant has. Waits for the uses under way; later ones begin with an empty store. */
  readonly remove: (tenant: string) => Effect.Effect<void, InvalidTenant | LsmError.FileError>
  /** Runs `body` while the store of a tenant is closed, for example to restore a backup. Later uses wait. */
  readonly whileClosed: <A, E, R>(
    tenant: string,
    body: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | InvalidTenant, R>
  readonly counts: Effect.Effect<Counts>
}

const removeTree = (storage: Storage.StorageService, path: string): Effect.Effect<void, LsmError.FileError> =>
  Effect.gen(function* () {
    for (const name of yield* storage.list(path)) {
      const child = `${path}/${name}`
      yield* Effect.catchTag(storage.remove(child), "StorageError", () => removeTree(storage, child))
    }
    yield* storage.removeDirectory?.(path) ?? Effect.void
  })

export class Tenants extends Context.Tag("Tenants")<Tenants, TenantsService>() {
  static readonly layer = (options: TenantsOptions): Layer.Layer<Tenants, LsmError.FileError, Storage.Storage> =>
    Layer.scoped(
      Tenants,
      Effect.gen(function* () {
        const storage = yield* Storage.Storage
        // No tenant has a name with a dot.
        const trash = `${options.directory}/.removed`
        yield* storage.makeDirectory(options.directory)
        yield* storage.makeDirectory(trash)
        // What a process did not get to.
        for (const name of yield* storage.list(trash)) yield* removeTree(storage, `${trash}/${name}`)

        const directoryOf = (tenant: string) => `${options.directory}/${tenant}`
        const pool = yield* makePool({
          ...options,
          open: (tenant) =>
            LsmStore.makeFromStorage({ directory: directoryOf(tenant), ...storeOptions }).pipe(
              Effect.flatMap(openDesk),
              Effect.mapError((cause) => new TenantUnavailable({ tenant, cause }))
            )
        })

        const checked = (tenant: string) =>
          /^[a-z0-9][a-z0-9-]{0,62}$/.test(tenant) ? Effect.void : Effect.fail(new InvalidTenant({ tenant }))

        const use: TenantsService["use"] = (tenant, body) => Effect.zipRight(checked(tenant), pool.use(tenant, body))

        /** The rename removes the whole tenant at once, whenever the process dies. */
        const removeClosed = (tenant: string) =>
          Effect.gen(function* () {
            if (!(yield* storage.exists(directoryOf(tenant)))) return
            const aside = `${trash}/${tenant}.${randomUUID()}`
            yield* storage.rename(directoryOf(tenant), aside)
            yield* storage.syncDirectory(trash)
            yield* storage.syncDirectory(options.directory)
            yield* removeTree(storage, aside)
          })

        const whileClosed: TenantsService["whileClosed"] = (tenant, body) =>
          Effect.zipRight(checked(tenant), pool.whileClosed(tenant, body))

        return { use, remove: (tenant) => whileClosed(tenant, removeClosed(tenant)), whileClosed, counts: pool.counts }
      })
    )
}
