/**
 * Runs the mixed load on one store, alone in its process: `child <store> <soak as JSON>` prints the
 * results as JSON.
 */
import { us } from "../lib/judges.js"
import { residentFigures } from "../lib/resident.js"
import { peers } from "../peers/index.js"
import { openPeer } from "../peers/session.js"
import { openUs } from "../rows/contenders.js"
import { type Soak, soak } from "./load.js"

const [store = "", text = ""] = process.argv.slice(2)
const load: Soak = JSON.parse(text)
const peer = peers.find(({ name }) => name === store)
if (peer === undefined && store !== us) throw new Error(`no store ${store}`)
const soaked = await soak(peer === undefined ? openUs() : openPeer(peer, "best"), load)
const figures = { ...soaked.figures, ...residentFigures() }
process.stdout.write(`${JSON.stringify({ ...soaked, figures })}\n`, () => process.exit(0))
