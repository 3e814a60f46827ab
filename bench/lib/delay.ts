import { closeSync, openSync, readSync } from "node:fs"
import type { Figures } from "./row.js"
import { quantile } from "./statistics.js"

/**
 * Milliseconds that the main thread was ready to run while other processes had the processors
 * (Linux only, otherwise 0). On a busy machine this is far longer than the delays that the store
 * causes.
 */
const makeWaited = () => {
  try {
    const fd = openSync(`/proc/self/task/${process.pid}/schedstat`, "r")
    const bytes = Buffer.alloc(64)
    const read = () => Number(bytes.toString("latin1", 0, readSync(fd, bytes, 0, bytes.length, 0)).split(" ")[1]) / 1e6
    return { read, close: () => closeSync(fd) }
  } catch {
    return { read: () => 0, close: () => undefined }
  }
}

/**
 * Measures how late a timer of 1 ms fires, with and without the time in which others had the
 * processors.
 */
export const watchDelay = () => {
  const waited = makeWaited()
  const all: Array<number> = []
  const own: Array<number> = []
  let last = performance.now()
  let lastWaited = waited.read()
  let timer = setTimeout(tick, 1)
  function tick() {
    const now = performance.now()
    const nowWaited = waited.read()
    const late = now - last - 1
    all.push(late)
    own.push(Math.max(0, late - (nowWaited - lastWaited)))
    last = now
    lastWaited = nowWaited
    timer = setTimeout(tick, 1)
  }
  return (): Figures => {
    clearTimeout(timer)
    waited.close()
    const sorted = Float64Array.from(own).sort()
    return {
      "delay p50 ms": quantile(sorted, 0.5),
      "p99 ms": quantile(sorted, 0.99),
      "p99.9 ms": quantile(sorted, 0.999),
      "max ms": quantile(sorted, 1),
      "p99.9 with the machine's ms": quantile(Float64Array.from(all).sort(), 0.999)
    }
  }
}
