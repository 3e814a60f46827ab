import { ForeignValue } from "../foreignValue.js"

const length = 16

/** Two doubles, the highest byte first. */
export const toBytes = (first: number, second: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  view.setFloat64(0, first)
  view.setFloat64(8, second)
  return bytes
}

/** Throws `ForeignValue` for what is not two doubles. */
export const fromBytes = (bytes: Uint8Array): readonly [first: number, second: number] => {
  if (bytes.length !== length) throw new ForeignValue(`it has ${bytes.length} bytes, not ${length}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  return [view.getFloat64(0), view.getFloat64(8)]
}
