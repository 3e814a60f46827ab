/** Measures one database, alone in its process: `child <name> <directory> <entries> <part of a row>` prints its rates as JSON. */
import { LsmLevel } from "effect-lsm/AbstractLevel"
import { us } from "../lib/judges.js"
import { leveldb } from "../peers/leveldb.js"
import { type Level, measureLevel, type OpenLevel } from "./loops.js"

const [name = "", directory = "", entries = "", part = ""] = process.argv.slice(2)

const opens: Record<string, () => Promise<OpenLevel>> = {
  [us]: async () => (location) => new LsmLevel(location) as unknown as Level,
  [leveldb.name]: async () => {
    const { ClassicLevel } = (await leveldb.load()) as unknown as { ClassicLevel: new (location: string) => Level }
    return (location) => new ClassicLevel(location)
  }
}

const rates = await measureLevel(await opens[name]!(), directory, Number(entries), part)
process.stdout.write(`${JSON.stringify(rates)}\n`, () => process.exit(0))
