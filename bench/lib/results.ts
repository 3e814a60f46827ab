import { mkdirSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"

/** Keeps what was measured, with what it was measured on. */
export const keepResults = (name: string, results: object): void => {
  const folder = new URL("../results/", import.meta.url)
  mkdirSync(folder, { recursive: true })
  const machine = {
    node: process.version,
    platform: process.platform,
    arch: process.arch,
    cores: availableParallelism()
  }
  const text = JSON.stringify({ date: new Date().toISOString(), ...machine, ...results }, undefined, 2)
  writeFileSync(new URL(`${name}.json`, folder), `${text}\n`)
}
