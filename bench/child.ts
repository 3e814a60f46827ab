/**
 * Measures one contender of one row, alone in its process: `child <row> <contender> <run as JSON>`
 * prints its figures as JSON.
 */

import { residentFigures } from "./lib/resident.js"
import type { Run } from "./lib/row.js"
import { rows } from "./rows/index.js"

const [row = "", contender = "", runText = ""] = process.argv.slice(2)
const run: Run = JSON.parse(runText)
const measure = rows[row]?.contenders[contender]
if (measure === undefined) throw new Error(`no contender ${contender} in row ${row}`)
const figures = await measure(run)
process.stdout.write(`${JSON.stringify({ ...figures, ...residentFigures() })}\n`, () => process.exit(0))
