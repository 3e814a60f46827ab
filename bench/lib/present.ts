import { readFileSync } from "node:fs"
import { peers } from "../peers/index.js"
import type { Peer } from "../peers/peer.js"

export interface Present {
  readonly peers: ReadonlyArray<Peer>
  /** Installed versions by module. */
  readonly versions: Readonly<Record<string, string>>
  /** Peers that cannot be measured here, and why. */
  readonly absent: Readonly<Record<string, string>>
}

const versionOf = ({ module }: Peer): string => {
  const text = readFileSync(new URL(`../node_modules/${module}/package.json`, import.meta.url), "utf8")
  return JSON.parse(text).version
}

/** Finds out which peers work here. */
export const presentPeers = async (): Promise<Present> => {
  const present: Array<Peer> = []
  const versions: Record<string, string> = {}
  const absent: Record<string, string> = {}
  for (const peer of peers) {
    try {
      await peer.load()
      versions[peer.module] = versionOf(peer)
      present.push(peer)
    } catch (error) {
      absent[peer.name] = String(error).split("\n")[0]!
    }
  }
  return { peers: present, versions, absent }
}
