/** Imports every city of the world into a store, survives a kill while it does so, and queries them. */
import { Command, Options } from "@effect/cli"
import { FileSystem } from "@effect/platform"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect, Option } from "effect"
import { LsmStore } from "effect-lsm"
import { answer } from "./answer.js"
import { importUntilKilled } from "./child.js"
import { prepare } from "./prepare.js"

const options = {
  directory: Options.text("directory").pipe(
    Options.withDefault("./data"),
    Options.withDescription("Where the store is")
  ),
  killAt: Options.integer("kill-at").pipe(
    Options.optional,
    Options.withDescription("Kill this process after this many batches have been acknowledged")
  )
}

const cities = Command.make("cities", options, ({ directory, killAt }) =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const journalPath = `${directory}.acked`
    if (!(yield* files.exists(directory))) {
      // A store that was removed by hand has lost nothing: its journal goes too.
      yield* files.remove(journalPath, { force: true })
      if (Option.isNone(killAt)) yield* importUntilKilled(directory)
    }

    // The end of each `provide` closes the store.
    const store = LsmStore.layer({ directory, durability: "sync" })
    yield* Console.log(`Opening the store in ${directory}`)
    yield* prepare(journalPath, killAt).pipe(Effect.provide(store))
    yield* Console.log("Closed the store. Opening it again")
    yield* answer.pipe(Effect.provide(store))
    yield* Console.log("Closed the store. Done.")
  })
)

Command.run(cities, { name: "Cities", version: "0.1.0" })(process.argv).pipe(
  Effect.provide(NodeContext.layer),
  NodeRuntime.runMain
)
