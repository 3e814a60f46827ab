import { textArgument } from "./framework/parameters.js"

/** The directory of a backup. */
export const backupDirectory = textArgument("backup", "The directory of the backup.")

/** The directory that a checkpoint or a restored store gets. */
export const newDirectory = textArgument("into", "The directory of the new store. It must be empty or absent.")
