import * as Metric from "effect/Metric"
import type * as MetricKey from "effect/MetricKey"
import * as MetricState from "effect/MetricState"
import * as MutableHashMap from "effect/MutableHashMap"
import * as MutableHashSet from "effect/MutableHashSet"

/** A gauge's key, and what it shows whenever somebody looks. */
export type Reading = readonly [key: MetricKey.MetricKey.Gauge<number>, read: () => number]

/** What a store has in the registry while it is open. */
export interface Registration {
  /** The hook that `make` finds or makes in the registry. `release` is called when it is not there any more. Undefined once the store has closed. */
  readonly hook: <A>(key: MetricKey.MetricKey.Untyped, make: () => A, release: () => void) => A | undefined
  /** Registers the gauges, if they are not there yet. */
  readonly show: () => void
  /** To be called when the store has closed. */
  readonly closed: () => void
}

/** The stores that are open under one name, and what they have in the registry. */
interface Family {
  users: number
  readonly keys: MutableHashSet.MutableHashSet<MetricKey.MetricKey.Untyped>
  /** The gauges of those that have registered theirs. What is registered reads those of the last. */
  readonly shown: Array<ReadonlyArray<Reading>>
}

const families = new Map<string, Family>()

/**
 * Effect's registry, which every exporter reads, has no way to forget a metric: a process that opens stores under ever new names would keep
 * the metrics of all of them. Its map is private. If it is what it was when this was written, keys are removed there; if not, they stay.
 */
const forget = (keys: Iterable<MetricKey.MetricKey.Untyped>): void => {
  const map: unknown = Reflect.get(Metric.globalMetricRegistry, "map")
  if (typeof map !== "object" || map === null || !(Symbol.for("effect/MutableHashMap") in map)) return
  for (const key of keys) {
    MutableHashMap.remove(map as MutableHashMap.MutableHashMap<MetricKey.MetricKey.Untyped, unknown>, key)
  }
}

/** Registers the metrics of a store under a name: made when first used, and gone when the last open store of this name has closed. */
export const registerMetrics = (name: string, makeReadings: () => ReadonlyArray<Reading>): Registration => {
  const family: Family = families.get(name) ?? { users: 0, keys: MutableHashSet.empty(), shown: [] }
  families.set(name, family)
  family.users++
  let isOpen = true
  let readings: ReadonlyArray<Reading> | undefined
  const releases: Array<() => void> = []
  return {
    hook: (key, make, release) => {
      if (!isOpen) return undefined
      MutableHashSet.add(family.keys, key)
      releases.push(release)
      return make()
    },
    show: () => {
      if (!isOpen || readings !== undefined) return
      readings = makeReadings()
      family.shown.push(readings)
      for (const [i, [key]] of readings.entries()) {
        MutableHashSet.add(family.keys, key)
        const get = () => MetricState.gauge(family.shown.at(-1)?.[i]?.[1]() ?? 0)
        Object.assign(Metric.globalMetricRegistry.getGauge(key), { get })
      }
    },
    closed: () => {
      if (!isOpen) return
      isOpen = false
      for (const release of releases) release()
      const at = readings === undefined ? -1 : family.shown.indexOf(readings)
      if (at >= 0) family.shown.splice(at, 1)
      if (--family.users > 0) return
      families.delete(name)
      forget(family.keys)
    }
  }
}
