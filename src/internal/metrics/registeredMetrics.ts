import * as Metric from "effect/Metric"
import type * as MetricKey from "effect/MetricKey"
import * as MetricState from "effect/MetricState"
import * as MutableHashMap from "effect/MutableHashMap"
import * as MutableHashSet from "effect/MutableHashSet"

/** A gauge's key, and the function that reads its value. */
export type Reading = readonly [key: MetricKey.MetricKey.Gauge<number>, read: () => number]

/** The metrics of one open store in Effect's registry. */
export interface Registration {
  /**
   * Returns the hook that `make` finds or makes in the registry; undefined once the store has
   * closed. `release` is called when the metric leaves the registry.
   */
  readonly hook: <A>(key: MetricKey.MetricKey.Untyped, make: () => A, release: () => void) => A | undefined
  /** Registers the gauges, unless they are registered already. */
  readonly show: () => void
  /** Call this when the store has closed. */
  readonly closed: () => void
}

/** The open stores that share a name, and their metrics in the registry. */
interface Family {
  users: number
  readonly keys: MutableHashSet.MutableHashSet<MetricKey.MetricKey.Untyped>
  /** The gauges of the stores that registered theirs. The registry reads those of the last one. */
  readonly shown: Array<ReadonlyArray<Reading>>
}

const families = new Map<string, Family>()

/**
 * Removes metrics from Effect's registry, which has no public way to remove one. Without this, a
 * process that opens stores under ever new names keeps the metrics of all of them. The registry's
 * map is private: if it does not look as expected, the metrics stay.
 */
const forget = (keys: Iterable<MetricKey.MetricKey.Untyped>): void => {
  const map: unknown = Reflect.get(Metric.globalMetricRegistry, "map")
  if (typeof map !== "object" || map === null || !(Symbol.for("effect/MutableHashMap") in map)) return
  for (const key of keys) {
    MutableHashMap.remove(map as MutableHashMap.MutableHashMap<MetricKey.MetricKey.Untyped, unknown>, key)
  }
}

/**
 * Registers the metrics of a store under a name. Each is made when it is first used. All leave the
 * registry when the last open store of this name closes.
 */
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
