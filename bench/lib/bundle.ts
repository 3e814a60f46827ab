import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { peers } from "../peers/index.js"

const folder = new URL("../.tmp/", import.meta.url)

/**
 * Bundles a script of this package with what it uses, for processes that begin at once; answers the file. The peers stay outside, and ours comes
 * from `dist`.
 */
export const bundle = async (script: string): Promise<string> => {
  const name = script.replace("/", "-").replace(".ts", "")
  await build({
    entryPoints: { [name]: fileURLToPath(new URL(`../${script}`, import.meta.url)) },
    outdir: fileURLToPath(folder),
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "warning",
    tsconfig: fileURLToPath(new URL("../tsconfig.json", import.meta.url)),
    external: peers.map(({ module }) => module),
    banner: { js: `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);` }
  })
  return fileURLToPath(new URL(`${name}.mjs`, folder))
}
