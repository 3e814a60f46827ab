/** Writes the dashboard: `npm run grafana`. */
import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { dashboardText } from "./dashboard.js"

writeFileSync(fileURLToPath(new URL("../../docs/grafana/effect-lsm.json", import.meta.url)), dashboardText())
