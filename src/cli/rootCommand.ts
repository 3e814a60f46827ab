import * as Command from "@effect/cli/Command"
import { backup } from "./commands/backup.js"
import { backups } from "./commands/backups.js"
import { checkpoint } from "./commands/checkpoint.js"
import { compact } from "./commands/compact.js"
import { count } from "./commands/count.js"
import { deleteCommand } from "./commands/delete.js"
import { deleteRange } from "./commands/deleteRange.js"
import { exportCommand } from "./commands/export.js"
import { get } from "./commands/get.js"
import { importCommand } from "./commands/import.js"
import { optionsCommand } from "./commands/options.js"
import { put } from "./commands/put.js"
import { repair } from "./commands/repair.js"
import { restore } from "./commands/restore.js"
import { scan } from "./commands/scan.js"
import { stats } from "./commands/stats.js"
import { verify } from "./commands/verify.js"

/** The commands, in the order of the help text. */
export const commands = [
  put,
  get,
  deleteCommand,
  deleteRange,
  scan,
  count,
  importCommand,
  exportCommand,
  stats,
  compact,
  verify,
  repair,
  checkpoint,
  backup,
  backups,
  restore,
  optionsCommand
] as const

/** `lsmkv` with all its commands. */
export const rootCommand = Command.make("lsmkv").pipe(
  Command.withDescription("Read, change, check, repair and back up an effect-lsm store from the command line."),
  Command.withSubcommands([...commands])
)
