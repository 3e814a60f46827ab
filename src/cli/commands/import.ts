import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { directory, durability, encoding, recovery } from "../arguments.js"
import { CommandFailed } from "../failure.js"
import { chooseFormat } from "../format/chooseFormat.js"
import { switchOption, textArgument } from "../framework/parameters.js"
import { plural } from "../help/units.js"
import { importLines } from "../io/importer.js"
import { openInput } from "../io/input.js"
import { writeOutput } from "../io/output.js"
import { makeProgress } from "../io/progress.js"
import { importSource } from "../io/sourceImport.js"
import { openOrCreate } from "../openStore.js"
import { checkSourceOptions, from, sourceModes, sourceOptions, toSourceOptions } from "../sourceOptions.js"
import { tuning } from "../tuningOptions.js"

const file = textArgument(
  "file",
  "The file to read; with --from, the other store. Default, and with -: standard input."
).pipe(Args.optional)
const json = switchOption("json", `The input is JSON lines: {"key":…,"value":…} or {"key":…,"delete":true}.`)
const batchSize = Options.integer("batch-size").pipe(
  Options.withDefault(1000),
  Options.withDescription("Entries per batch. A batch is written completely or not at all. Default: 1000.")
)

/** `lsmkv import` */
export const importCommand = Command.make(
  "import",
  {
    directory,
    file,
    from,
    source: sourceOptions,
    modes: sourceModes,
    json,
    encoding,
    batchSize,
    durability,
    recovery,
    tuning
  },
  (given) =>
    Effect.gen(function* () {
      if (given.batchSize < 1) return yield* new CommandFailed({ message: "--batch-size must be at least 1" })
      const name = Option.getOrUndefined(given.from)
      yield* checkSourceOptions(name, given.source, given.modes)
      if (name !== undefined) {
        if (Option.isNone(given.file)) return yield* new CommandFailed({ message: `--from ${name} needs <file>` })
        if (given.json) return yield* new CommandFailed({ message: "--json and --from cannot be used together" })
        return yield* importSource({
          ...given.modes,
          from: name,
          source: toSourceOptions(given.file.value, given.source),
          openStore: openOrCreate(given.directory, given),
          batchSize: given.batchSize
        })
      }
      const input = yield* openInput(given.file)
      const store = yield* openOrCreate(given.directory, given)
      const progress = yield* makeProgress(input.size)
      const format = chooseFormat(given.json, given.encoding)
      const { puts, deletes, batches } = yield* importLines(store, input, format, given.batchSize, progress)
      yield* writeOutput(
        `${plural(puts, "put")} and ${plural(deletes, "delete")} in ${plural(batches, "batch", "batches")}\n`
      )
    }).pipe(Effect.scoped)
).pipe(
  Command.withDescription(
    "Write entries from a file or standard input, as export prints them: lines of key, tab, value, with the escapes of scan; or JSON lines. With --from, copy another store: LevelDB, LMDB, RocksDB or SQLite. Creates the store if there is none."
  )
)
