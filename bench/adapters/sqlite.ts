/**
 * SQLite behind Effect's SQL, with a log ahead of writes. With `synchronous = NORMAL` a commit is not synced,
 * as ours is not when it is buffered; with `FULL` it is.
 */
import { existsSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Contender } from "./compare.js"

const isInstalled = existsSync(fileURLToPath(new URL("../node_modules/@effect/sql-sqlite-node", import.meta.url)))
const installed = isInstalled ? await import("@effect/sql-sqlite-node/SqliteClient") : undefined

/** Both settings of SQLite as contenders; none if its package is not installed. */
export const sqlite = <Service>(
  layer: (client: Layer.Layer<SqlClient.SqlClient, unknown>) => Layer.Layer<Service, unknown>
): ReadonlyArray<Contender<Service>> => {
  if (installed === undefined) return []
  const { layer: open } = installed
  return (["NORMAL", "FULL"] as const).map((synchronous) => ({
    name: `SQLite, ${synchronous}`,
    pair: synchronous === "FULL" ? "effect-lsm, sync" : "effect-lsm, buffered",
    part: 0.1,
    layer: (directory) => {
      mkdirSync(directory)
      const client = open({ filename: join(directory, "data.sqlite") })
      const settings = Layer.effectDiscard(
        Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe(`PRAGMA synchronous = ${synchronous}`))
      )
      return layer(Layer.provideMerge(settings, client))
    }
  }))
}
