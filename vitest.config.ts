import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const source = fileURLToPath(new URL("src/", import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^effect-lsm$/, replacement: `${source}index.ts` },
      { find: /^effect-lsm\/(.+)$/, replacement: `${source}$1.ts` }
    ]
  },
  test: {
    include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    pool: "forks",
    // A process for every file would load Effect anew in each, which takes longer than most of them run.
    isolate: false,
    maxWorkers: 2
  }
})
