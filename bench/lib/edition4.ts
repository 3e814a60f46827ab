import { existsSync } from "node:fs"
import { bundle } from "./bundle.js"
import { us } from "./judges.js"
import type { Judge, Verdict } from "./row.js"

/** The copy of this package for Effect 4, which `npm run ready` builds if this Node can run it. */
const home = new URL("../../editions/effect4/build/bench/", import.meta.url)

const suffix = " (Effect 4)"

/** Bundles the same rows for Effect 4; undefined if this Node cannot run them. */
export const bundleFor4 = async (): Promise<string | undefined> => {
  const [major, minor] = process.versions.node.split(".").map(Number) as [number, number]
  const isNewEnough = major > 22 || (major === 22 && minor >= 19)
  if (isNewEnough && existsSync(home)) return bundle("child.ts", home, "4")
  console.log(`left out: ${us}${suffix}: ${isNewEnough ? "it is not built" : "it needs Node 22.19 or newer"}`)
  return undefined
}

/** How a contender is called when it runs on Effect 4. */
export const nameOn4 = (contender: string): string => `${contender}${suffix}`

/** A contender's name in its row. */
export const withoutEdition = (contender: string): string => contender.replace(suffix, "")

/** Judges the edition for Effect 4, beside the same peers. */
export const judgeOn4 = (judge: Judge, ...[median, contenders]: Parameters<Judge>): Verdict | undefined => {
  const verdict = judge(
    (contender, figure) => median(contender.startsWith(us) ? nameOn4(contender) : contender, figure),
    contenders
  )
  return verdict === undefined ? undefined : { ...verdict, text: `Effect 4: ${verdict.text}` }
}
