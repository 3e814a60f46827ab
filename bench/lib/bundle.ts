import { readFileSync, rmSync } from "node:fs"
import { fileURLToPath, pathToFileURL } from "node:url"
import { build, type Plugin } from "esbuild"
import { peers } from "../peers/index.js"

const folder = new URL("../.tmp/", import.meta.url)

/** Keeps `import.meta.url` of our modules, so that they find files relative to their source. */
const keepPlaces: Plugin = {
  name: "keep-places",
  setup: ({ onLoad }) => {
    onLoad({ filter: /[/\\]dist[/\\].*\.js$/ }, ({ path }) => {
      if (path.includes("node_modules")) return undefined
      const text = readFileSync(path, "utf8")
      return { contents: text.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href)), loader: "js" }
    })
  }
}

/**
 * Bundles a script of this package with its imports, so that processes start fast, and returns the
 * path of the bundle. effect-lsm comes from `dist`. The peers are not bundled. `home` is the folder
 * of the package, or of its copy for Effect 4.
 */
export const bundle = async (script: string, home = new URL("../", import.meta.url), label = ""): Promise<string> => {
  const name = script.replace("/", "-").replace(".ts", label)
  const outdir = fileURLToPath(new URL(`${name}/`, folder))
  // Remove the chunks of an earlier bundle.
  rmSync(outdir, { recursive: true, force: true })
  await build({
    entryPoints: { [name]: fileURLToPath(new URL(script, home)) },
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "warning",
    tsconfig: fileURLToPath(new URL("tsconfig.json", home)),
    plugins: [keepPlaces],
    external: peers.map(({ module }) => module),
    banner: { js: `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);` }
  })
  return `${outdir}${name}.mjs`
}
