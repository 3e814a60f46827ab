import { BPlusTree } from "./bPlusTree.js"
import { Engine } from "./engine.js"
import { SkipList } from "./skipList.js"
import { SortedMap } from "./sortedMap.js"
import type { Structure } from "./structure.js"

export const structures: Readonly<Record<string, () => Structure>> = {
  "engine (hash table, sorted runs)": () => new Engine(),
  "skip list": () => new SkipList(),
  "B+-tree": () => new BPlusTree(),
  "Map, sorted when walked": () => new SortedMap()
}
