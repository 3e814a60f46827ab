import type { Encoding } from "./encoding.js"
import type { EntryFormat } from "./entryFormat.js"
import { jsonFormat } from "./jsonFormat.js"
import { textFormat } from "./textFormat.js"

/** Returns the format for JSON lines or for text. */
export const chooseFormat = (json: boolean, encoding: Encoding): EntryFormat =>
  json ? jsonFormat(encoding) : textFormat(encoding)
