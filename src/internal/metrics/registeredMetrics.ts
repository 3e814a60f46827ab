import {
  type Counter,
  type Gauge,
  type Histogram,
  isCounter,
  openReading,
  openSeries,
  type Registry
} from "./effectMetrics.js"
import type { Labels, Series } from "./series.js"

/** A metric, and the function that reads its value. */
export interface Reading {
  readonly metric: Counter | Gauge
  readonly labels: Labels
  readonly read: () => number
}

/** The metrics of one open store in Effect's registry. */
export interface Registration {
  /**
   * Registers a counter of the store, whose value `read` returns from 0 on. Returns false once the
   * store has closed. `release` is called when that happens.
   */
  readonly count: (metric: Counter, labels: Labels, read: () => number, release: () => void) => boolean
  /**
   * Returns the series of a histogram, which is made if there is none; undefined once the store has
   * closed. `release` is called when the series leaves the registry.
   */
  readonly series: (metric: Histogram, labels: Labels, release: () => void) => Series | undefined
  /** Registers the readings, unless they are registered already. */
  readonly show: () => void
  /** Call this when the store has closed. */
  readonly closed: () => void
}

/** The open stores that share a name and a registry, and their metrics. */
interface Family {
  users: number
  readonly series: Map<string, Series>
  readonly counters: Map<string, SharedCounter>
  /** The readings of the stores that registered theirs. A gauge is that of the last one. */
  readonly shown: Array<ReadonlyArray<Reading>>
}

/** A counter of a family: the sum of those of its stores. */
class SharedCounter {
  private readonly open = new Set<() => number>()
  /** What the stores that have closed have counted. */
  private closed = 0

  /** Adds that of a store. The returned function is called when the store closes. */
  add(read: () => number): () => void {
    this.open.add(read)
    return () => {
      if (this.open.delete(read)) this.closed += read()
    }
  }

  readonly read = (): number => {
    let sum = this.closed
    for (const read of this.open) sum += read()
    return sum
  }
}

const registries = new WeakMap<Registry, Map<string, Family>>()

const familiesOf = (registry: Registry): Map<string, Family> => {
  const families = registries.get(registry) ?? new Map<string, Family>()
  registries.set(registry, families)
  return families
}

let nextMetric = 0
const metricNumbers = new WeakMap<object, number>()

/** Tells series of one family apart. */
const idOf = (metric: Counter | Gauge | Histogram, labels: Labels): string => {
  const known = metricNumbers.get(metric)
  const number = known ?? nextMetric++
  if (known === undefined) metricNumbers.set(metric, number)
  return `${number} ${labels.join(" ")}`
}

/**
 * Registers the metrics of a store under a name. Each is made when it is first used. All leave the
 * registry when the last open store of this name closes: a process that opens stores under ever new
 * names would keep the metrics of all of them.
 */
export const registerMetrics = (
  registry: Registry,
  name: string,
  makeReadings: () => ReadonlyArray<Reading>
): Registration => {
  const families = familiesOf(registry)
  const family: Family = families.get(name) ?? { users: 0, series: new Map(), counters: new Map(), shown: [] }
  families.set(name, family)
  family.users++
  let isOpen = true
  let readings: ReadonlyArray<Reading> | undefined
  const releases: Array<() => void> = []
  const find = (metric: Counter | Gauge | Histogram, labels: Labels, open: () => Series): Series => {
    const id = idOf(metric, labels)
    const series = family.series.get(id) ?? open()
    family.series.set(id, series)
    return series
  }
  const count = (metric: Counter, labels: Labels, read: () => number): void => {
    const id = idOf(metric, labels)
    const shared = family.counters.get(id) ?? new SharedCounter()
    family.counters.set(id, shared)
    find(metric, labels, () => openReading(registry, metric, labels, shared.read))
    releases.push(shared.add(read))
  }
  return {
    count: (metric, labels, read, release) => {
      if (!isOpen) return false
      count(metric, labels, read)
      releases.push(release)
      return true
    },
    series: (metric, labels, release) => {
      if (!isOpen) return undefined
      releases.push(release)
      return find(metric, labels, () => openSeries(registry, metric, labels))
    },
    show: () => {
      if (!isOpen || readings !== undefined) return
      readings = makeReadings()
      family.shown.push(readings)
      for (const [i, { metric, labels, read }] of readings.entries()) {
        if (isCounter(metric)) count(metric, labels, read)
        else find(metric, labels, () => openReading(registry, metric, labels, () => last(family, i)))
      }
    },
    closed: () => {
      if (!isOpen) return
      isOpen = false
      for (const release of releases) release()
      if (readings !== undefined) family.shown.splice(family.shown.indexOf(readings), 1)
      if (--family.users > 0) return
      families.delete(name)
      for (const series of family.series.values()) series.remove()
    }
  }
}

const last = ({ shown }: Family, i: number): number => shown.at(-1)?.[i]?.read() ?? 0
