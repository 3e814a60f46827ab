// The manifest of the edition for Effect 4, made from the one of the root.

/** The major of Effect is the major of the package; the rest of the version is the same for both editions. */
export const versionFor4 = (version) => version.replace(/^3\./, "4.")

/** Fields that only a clone needs. */
const ofClone = ["devDependencies", "overrides"]

/**
 * @param {object} root the manifest of the root
 * @param {object} tools the manifest of editions/effect4, which has what the edition is tested with
 */
export const manifestFor4 = (root, tools) => {
  const needed = (name) => ({ [name]: tools.devDependencies[name] })
  const manifest = {
    ...root,
    version: versionFor4(root.version),
    engines: { node: ">=22.19.0" },
    scripts: { build: root.scripts.build, prepack: root.scripts.prepack },
    peerDependencies: {
      ...needed("effect"),
      ...needed("@effect/platform-node"),
      msgpackr: root.peerDependencies.msgpackr,
      "abstract-level": root.peerDependencies["abstract-level"]
    },
    peerDependenciesMeta: {
      "@effect/platform-node": { optional: true },
      msgpackr: { optional: true },
      "abstract-level": { optional: true }
    },
    publishConfig: { tag: "latest" }
  }
  for (const field of ofClone) delete manifest[field]
  return manifest
}
