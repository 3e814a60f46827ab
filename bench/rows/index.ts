import type { Row } from "../lib/row.js"
import { ablationRows } from "./ablation.js"
import { compactionDelay } from "./compactionDelay.js"
import { coreRows } from "./core.js"
import { costRows } from "./costs.js"
import { loopDelayRows } from "./loopDelay.js"
import { ownRows } from "./own.js"
import { presetRows } from "./presets.js"
import { reopenRows } from "./reopen.js"
import { scalingRows } from "./scaling.js"

/** By the names that the command line takes. */
export const rows: Readonly<Record<string, Row>> = {
  ...coreRows,
  ...costRows,
  ...loopDelayRows,
  ...reopenRows,
  ...ownRows,
  ...ablationRows,
  ...scalingRows,
  ...presetRows,
  "compaction-delay": compactionDelay
}
