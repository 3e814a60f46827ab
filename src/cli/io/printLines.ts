import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { CommandFailed } from "../failure.js"
import { escapeBytes } from "../format/textFormat.js"
import type { Write } from "./output.js"

/** Writes a line for each element of a Stream, one chunk at a time. */
export const printLines = <A, E, R>(
  elements: Stream.Stream<A, E, R>,
  render: (element: A) => string | undefined,
  keyOf: (element: A) => Uint8Array,
  write: Write
) =>
  Stream.runForEachChunk(elements, (chunk) => {
    let lines = ""
    for (const element of chunk) {
      const line = render(element)
      if (line === undefined) return Effect.zipRight(write(lines), Effect.fail(notText(keyOf(element))))
      lines += `${line}\n`
    }
    return write(lines)
  })

/** The error for an entry that is not UTF-8, which JSON cannot hold. */
export const notText = (key: Uint8Array): CommandFailed =>
  new CommandFailed({
    message: `the entry with key ${escapeBytes(key)} is not UTF-8; use --encoding hex or --encoding base64`
  })
