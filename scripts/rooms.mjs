// Checks which room imports which. Rooms stand in floors: a file imports from its own room and from floors below it, and no files
// import each other in a circle. Optional peers stand above the barrel. A type that is imported counts as an import.
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { fileURLToPath } from "node:url"

const source = fileURLToPath(new URL("../src", import.meta.url))

/** From the ground up. A name that ends in a slash is a folder; rooms of one line do not import each other. */
const floors = [
  ["core/bytes/"],
  ["core/storage/"],
  ["core/values/", "core/ranges/", "core/simulation/"],
  ["core/lock/", "core/cursor/", "core/keys/"],
  ["core/cache/", "core/log/"],
  ["core/memtable/", "core/table/", "core/commit/", "core/feed/"],
  ["core/manifest/"],
  ["core/backup/", "core/options/"],
  ["core/compaction/", "core/recovery/"],
  ["core/jobs/"],
  ["core/adapters/"],
  ["LsmError", "KeyspaceError", "OrderedStoreError"],
  ["internal/expiry/", "internal/options/"],
  ["WriteBatch"],
  ["LsmOptions"],
  ["Stats", "Maintenance", "StoreEvent"],
  ["OrderedStore"],
  ["Store"],
  ["internal/effect/"],
  ["internal/events/"],
  ["Storage"],
  ["internal/storage/"],
  ["internal/metrics/"],
  ["Metrics"],
  ["internal/wal/"],
  ["Wal", "Memtable", "SSTableStore"],
  ["internal/manifest/"],
  ["Manifest"],
  ["TableMerger"],
  ["internal/background/"],
  ["internal/compactor/"],
  ["Compactor"],
  ["internal/maintenance/"],
  ["internal/checkpoint/"],
  ["internal/backup/"],
  ["internal/engine/"],
  ["internal/transaction/"],
  ["internal/feed/"],
  ["Transaction", "Checkpoint", "ChangeFeed"],
  ["internal/capabilities/", "internal/configuration/"],
  ["LsmStore", "LsmConfig"],
  ["internal/keyspace/"],
  ["Keyspace", "Backup"],
  ["index"],
  ["core/adapters/", "internal/conformance/", "internal/testing/"],
  ["internal/adapters/", "internal/cluster/"],
  ["KeyValueStore", "Persistence", "PersistedQueue", "RateLimiter", "EventJournal", "MessageStorage", "RunnerStorage"],
  ["SingleRunner", "Durable"],
  ["DurableCluster"],
  ["internal/thread/", "MessagePack", "Conformance", "testing", "internal/level/"],
  ["CompactionWorker", "AbstractLevel"],
  ["cli/"]
]

/** Rooms that know nothing of Effect. */
const isCore = (file) => file.startsWith("core/")

const floorOf = new Map(floors.flatMap((rooms, floor) => rooms.map((room) => [room, floor])))

/** The barrel and all below it: a store, which runs without the optional peers. */
const needsNoPeer = (floor) => floor <= floorOf.get("index")
const roomOf = (file) => {
  const parts = file.replace(/\.ts$/, "").split("/")
  if (parts[0] === "cli") return "cli/"
  return parts.length === 1 ? parts[0] : `${parts[0]}/${parts[1]}/`
}

const files = readdirSync(source, { recursive: true })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts"))
  .sort()
const importsOf = new Map()
const faults = []

for (const file of files) {
  const text = readFileSync(join(source, file), "utf8")
  const room = roomOf(file)
  const floor = floorOf.get(room)
  if (floor === undefined) faults.push(`${file}: its room ${room} has no floor`)
  const imports = []
  for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
    if (!specifier.startsWith(".")) {
      if (isCore(file) && /^@?effect(\/|$)/.test(specifier)) faults.push(`${file}: the core imports ${specifier}`)
      if (needsNoPeer(floor) && /^(@effect\/|(abstract-level|msgpackr)$)/.test(specifier)) {
        faults.push(`${file}: a store imports ${specifier}, which is an optional peer`)
      }
      continue
    }
    const target = normalize(join(dirname(file), specifier))
      .replaceAll("\\", "/")
      .replace(/\.js$/, ".ts")
    if (!files.includes(target)) continue
    imports.push(target)
    const targetRoom = roomOf(target)
    const targetFloor = floorOf.get(targetRoom)
    if (targetRoom !== room && targetFloor !== undefined && targetFloor >= floor) {
      faults.push(`${file}: imports ${target}, which stands ${targetFloor === floor ? "beside it" : "above it"}`)
    }
  }
  importsOf.set(file, imports)
}

for (const room of floorOf.keys()) {
  if (room.endsWith("/") && !existsSync(join(source, room, "README.md"))) faults.push(`${room} has no README.md`)
}

const done = new Set()
const path = []
const visit = (file) => {
  const at = path.indexOf(file)
  if (at >= 0) {
    faults.push(`a circle: ${[...path.slice(at), file].join(" -> ")}`)
    return
  }
  if (done.has(file)) return
  path.push(file)
  for (const next of importsOf.get(file)) visit(next)
  path.pop()
  done.add(file)
}
for (const file of files) visit(file)

for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exitCode = 1
else console.log(`rooms: ${files.length} files, ${floors.length} floors, no arrow runs up`)
