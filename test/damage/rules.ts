import { readU32 } from "../../src/core/bytes/encoding.js"
import { frameHeaderSize } from "../../src/core/log/frame.js"
import { unusedFrom } from "../../src/core/log/logSegment.js"
import { fileHeaderSize } from "../../src/core/storage/fileHeader.js"
import type { Damage } from "./damages.js"
import type { Files, Image } from "./image.js"
import type { Verdict } from "./judge.js"

/** Where the frames of a log or a manifest begin, and where the last one ends: behind it there may be unused room. */
export const frameOffsets = (bytes: Uint8Array): ReadonlyArray<number> => {
  const offsets = [fileHeaderSize]
  for (let at = fileHeaderSize; at < unusedFrom(bytes, fileHeaderSize); ) {
    at += frameHeaderSize + readU32(bytes, at + 4)
    offsets.push(at)
  }
  return offsets
}

/** The newest segment with records. */
export const newestLog = (files: Files): string =>
  [...files.keys()]
    .filter((path) => path.endsWith(".log") && files.get(path)!.length > fileHeaderSize)
    .sort()
    .at(-1)!

/**
 * What is wrong with a verdict. Right answers and errors that name a damaged file are due everywhere, but for damage that reaches the
 * end of the newest segment of a log that was not closed: there the records that are damaged may be missing, and all behind them. That is told, unless
 * the segment ends with a whole record.
 */
export const ruleFault = (image: Image, damage: Damage, verdict: Verdict): string | undefined => {
  const { files, name, models } = image
  switch (verdict._tag) {
    case "Fault":
      return verdict.what
    case "Right":
      return undefined
    case "Refused": {
      // Of a manifest that has lost edits, or an old pointer, nobody can say more than which file does not fit.
      const unsure = damage.paths.some(
        (path) => path.includes("MANIFEST") || (path.endsWith("CURRENT") && damage.kind === "older")
      )
      const misnamed = [...verdict.named].filter((file) => !damage.paths.includes(file))
      return misnamed.length > 0 && !unsure ? `names ${misnamed.join(" ")}` : undefined
    }
    case "Earlier": {
      const newest = newestLog(files)
      if (name.startsWith("closed") || !damage.paths.includes(newest)) return `content after batch ${verdict.batch}`
      const offsets = frameOffsets(files.get(newest)!)
      const used = unusedFrom(damage.apply().get(newest)!, fileHeaderSize)
      const [last, end] = [offsets.at(-2)!, offsets.at(-1)!]
      const cut = used < end
      if (!cut && damage.end <= last) return `content after batch ${verdict.batch}, though a later record is whole`
      if (damage.offset >= end) return `content after batch ${verdict.batch}, though all records are whole`
      if (!verdict.told && !(cut && offsets.includes(used))) return "records are dropped and not told"
      // The first frame is the segment's own; each other one holds a batch, the last of them the newest.
      const firstLost = offsets.findIndex((offset, i) => (offsets[i + 1] ?? offset) > Math.min(damage.offset, used))
      const lost = offsets.length - 1 - Math.max(1, firstLost)
      return models.length - 1 - verdict.batch > lost
        ? `loses more than the ${lost} records that are damaged`
        : undefined
    }
  }
}
