/** A value, and when it expires. */
export interface Held {
  readonly value: string
  /** In milliseconds. Infinite if it does not expire. */
  readonly expiresAt: number
}

/** The content of a store, with what has expired and was not replaced. */
export type Model = ReadonlyMap<string, Held>

/** A value that expires: so many milliseconds after it is written, or at a time. */
export type Expiring =
  | { readonly value: string; readonly ttl: number }
  | { readonly value: string; readonly expiresAt: number }

/** A batch's change to one key. Undefined deletes it; with an end, all keys from it to the end. */
export type Change = readonly [key: string, value: string | Expiring | { readonly end: string } | undefined]

/** The content after a batch that is written at `now`. */
export const applyTo = (model: Model, writes: ReadonlyArray<Change>, now: number): Model => {
  const next = new Map(model)
  for (const [key, value] of writes) {
    if (typeof value === "string") next.set(key, { value, expiresAt: Number.POSITIVE_INFINITY })
    else if (value === undefined) next.delete(key)
    else if ("end" in value) for (const other of next.keys()) if (other >= key && other < value.end) next.delete(other)
    if (typeof value !== "object" || "end" in value) continue
    next.set(key, { value: value.value, expiresAt: "ttl" in value ? now + value.ttl : value.expiresAt })
  }
  return next
}

/** Gives a value another time, or none. Nothing changes if it is absent, or has expired. */
export const retimed = (model: Model, key: string, ttl: number | undefined, now: number): Model => {
  const held = model.get(key)
  if (held === undefined || held.expiresAt <= now) return model
  const expiresAt = ttl === undefined ? Number.POSITIVE_INFINITY : now + ttl
  return new Map([...model, [key, { value: held.value, expiresAt }]])
}

/** What readers see at a time. */
export const at = (model: Model, time: number): Model =>
  new Map([...model].filter(([, { expiresAt }]) => expiresAt > time))

export const equal = (a: Model, b: Model): boolean =>
  a.size === b.size &&
  [...a].every(([key, { expiresAt, value }]) => {
    const other = b.get(key)
    return other !== undefined && other.value === value && other.expiresAt === expiresAt
  })

/** The times at which values of a content expire, in order. */
export const expiries = (model: Model): ReadonlyArray<number> =>
  [...new Set([...model.values()].map(({ expiresAt }) => expiresAt))].filter(Number.isFinite).sort((a, b) => a - b)
