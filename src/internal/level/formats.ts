import { Buffer } from "node:buffer"
import { copyRange } from "../../core/bytes/bytes.js"

/** A key or value as abstract-level passes it, and wants it back. */
export type Data = string | Uint8Array

/** What abstract-level calls the forms of data. */
export type Format = "utf8" | "buffer" | "view"

/**
 * Makes data in a format of bytes. It keeps the memory of the last string in view, because neighbours
 * mostly share it, and a view for each string would cost as much as the string.
 */
export class Reader {
  private memory: ArrayBufferLike | undefined
  private view: Buffer = nothing

  constructor(private readonly format: Format) {}

  /** The data of bytes that the caller gives away. */
  own(bytes: Uint8Array): Data {
    if (this.format === "view") return bytes
    if (this.format === "buffer") return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return this.text(bytes, 0, bytes.length)
  }

  /** The data of `bytes[start, end)`; bytes as a copy. */
  read(bytes: Uint8Array, start: number, end: number): Data {
    return this.format === "utf8" ? this.text(bytes, start, end) : this.own(copyRange(bytes, start, end))
  }

  private text(bytes: Uint8Array, start: number, end: number): string {
    const { buffer, byteOffset } = bytes
    if (buffer !== this.memory) {
      this.memory = buffer
      this.view = Buffer.from(buffer)
    }
    return this.view.toString("utf8", byteOffset + start, byteOffset + end)
  }
}

const nothing = Buffer.alloc(0)
