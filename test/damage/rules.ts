import { readU32 } from "../../src/core/bytes/encoding.js"
import { frameHeaderSize } from "../../src/core/log/frame.js"
import { unusedFrom } from "../../src/core/log/logSegment.js"
import { fileHeaderSize } from "../../src/core/storage/fileHeader.js"
import type { Damage } from "./damages.js"
import type { Files, Image } from "./image.js"
import type { Verdict } from "./judge.js"

/**
 * The offsets of the frames of a log or a manifest, and the end of the last one. Unused space may
 * follow.
 */
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
 * Returns what is wrong with a verdict, or undefined. Results must be right, or errors that name a
 * damaged file. There is one exception: if damage reaches the end of the newest segment of a log
 * that was not closed, the damaged records and all after them may be missing. The store must report
 * this, unless the segment ends with a whole record.
 */
export const ruleFault = (image: Image, damage: Damage, verdict: Verdict): string | undefined => {
  const { files, name, models } = image
  switch (verdict._tag) {
    case "Fault":
      return verdict.what
    case "Right":
      return undefined
    case "Refused": {
      // If a manifest has lost edits or CURRENT is old, the store only sees that another file does
      // not fit.
      const unsure = damage.paths.some(
        (path) => path.includes("MANIFEST") || (path.endsWith("CURRENT") && damage.kind === "older")
      )
      const misnamed = [...verdict.named].filter((file) => !damage.paths.includes(file))
      return misnamed.length > 0 && !unsure ? `names undamaged ${misnamed.join(" ")}` : undefined
    }
    case "Earlier": {
      const newest = newestLog(files)
      if (name.startsWith("closed") || !damage.paths.includes(newest)) return `content after batch ${verdict.batch}`
      const offsets = frameOffsets(files.get(newest)!)
      const used = unusedFrom(damage.apply().get(newest)!, fileHeaderSize)
      const [last, end] = [offsets.at(-2)!, offsets.at(-1)!]
      const cut = used < end
      if (!cut && damage.end <= last) return `content after batch ${verdict.batch}, but a later record is whole`
      if (damage.offset >= end) return `content after batch ${verdict.batch}, but all records are whole`
      if (!verdict.reported && !(cut && offsets.includes(used))) return "records are dropped and not reported"
      // The first frame is the segment's own. Each other frame holds a batch, the last one the
      // newest.
      const firstLost = offsets.findIndex((offset, i) => (offsets[i + 1] ?? offset) > Math.min(damage.offset, used))
      const lost = offsets.length - 1 - Math.max(1, firstLost)
      return models.length - 1 - verdict.batch > lost
        ? `loses more than the ${lost} records that are damaged`
        : undefined
    }
  }
}
