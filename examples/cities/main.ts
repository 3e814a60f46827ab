/** Imports every city of the world into a store, survives being killed while at it, and answers questions about them. */
import { Command, Options } from "@effect/cli"
import { FileSystem } from "@effect/platform"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect } from "effect"
import { LsmStore } from "effect-lsm"
import { answer } from "./answer.js"
import { prepare } from "./prepare.js"

const options = {
  directory: Options.directory("directory").pipe(
    Options.withDefault("./data"),
    Options.withDescription("Where the store is")
  ),
  killAt: Options.integer("kill-at").pipe(
    Options.optional,
    Options.withDescription("Kill this process after so many batches have been acknowledged")
  )
}

const cities = Command.make("cities", options, ({ directory, killAt }) =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const journalPath = `${directory}.acked`
    // A store that was removed by hand has lost nothing: its journal goes too.
    if (!(yield* files.exists(directory))) yield* files.remove(journalPath, { force: true })

    // The end of each `provide` closes the store.
    const store = LsmStore.layer({ directory, durability: "sync" })
    yield* Console.log(`Opening the store in ${directory}`)
    yield* prepare(journalPath, killAt).pipe(Effect.provide(store))
    yield* Console.log("Closed the store. Opening it again")
    yield* answer.pipe(Effect.provide(store))
    yield* Console.log("Closed the store. Done.")
  })
)

const run = Command.run(cities, { name: "Cities", version: "0.1.0" })

run(process.argv).pipe(Effect.provide(NodeContext.layer), NodeRuntime.runMain)
