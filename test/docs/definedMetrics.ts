import { readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./markdown.js"

/** A metric as `src/Metrics.ts` defines it. */
export interface Defined {
  readonly name: string
  readonly kind: string
}

/** The metrics that a store can have. */
export const definedMetrics = (): ReadonlyArray<Defined> => {
  const source = readFileSync(join(root, "src/Metrics.ts"), "utf8")
  return [...source.matchAll(/effectMetrics\.(counter|gauge|histogram)\(\s*"(lsm_[a-z0-9_]+)"/g)].map(
    ([, kind, name]) => ({ kind: kind!, name: name! })
  )
}
