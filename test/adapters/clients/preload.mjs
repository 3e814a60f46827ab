import { LsmLevel } from "../../../dist/AbstractLevel.js"

globalThis.LsmLevel = LsmLevel
