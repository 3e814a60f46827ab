// npm run test:mutants: seeds each fault of protocol in turn and looks for a crash that shows it. Prints what killed each.
import * as Effect from "effect/Effect"
import { explore } from "./explore.js"
import { mutants } from "./mutants.js"
import { workloads } from "./workloads.js"

let alive = 0
for (const mutant of mutants) {
  let killer: string | undefined
  for (const name of mutant.workloads) {
    const workload = workloads.find((candidate) => candidate.name === name)!
    const killed = await Effect.runPromise(
      explore(workload, {
        seed: 1,
        maxStates: 150,
        secondCrashEvery: 1000,
        secondStates: 0,
        stopAtFirst: true,
        patches: mutant.patches()
      }).pipe(
        Effect.map(({ findings }) => findings[0]),
        Effect.timeoutTo({ duration: "40 seconds", onSuccess: (f) => f, onTimeout: () => undefined }),
        Effect.catchAllCause((cause) =>
          Effect.succeed({ workload: name, event: 0, label: "while running", fault: String(cause).split("\n")[0]! })
        )
      )
    )
    if (killed !== undefined) {
      killer = `${killed.workload}: ${killed.label}: ${killed.fault.split("\n")[0]}`
      break
    }
  }
  if (killer === undefined) alive++
  process.stdout.write(
    `${killer === undefined ? "ALIVE " : "killed"}  ${mutant.name}\n          ${(killer ?? "").slice(0, 160)}\n`
  )
}
process.stdout.write(`${mutants.length - alive} of ${mutants.length} mutants killed\n`)
process.exitCode = alive === 0 ? 0 : 1
