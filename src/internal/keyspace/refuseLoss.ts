/** A value that is nested deeper would exhaust the stack. */
const deepest = 1000

/** Whether a format also holds a value that is not among null, booleans, finite numbers and strings. */
type Holds = (value: unknown) => boolean

/**
 * Throws for a value that a format would change without notice. Arrays and plain objects are looked
 * through.
 */
export const refuseLoss = (value: unknown, format: string, holds: Holds, depth = 0): void => {
  switch (typeof value) {
    case "boolean":
    case "string":
      return
    case "number":
      if (Number.isFinite(value) || holds(value)) return
      throw new TypeError(`${format} has no ${value}`)
    case "object":
      if (value === null || holds(value)) return
      if (depth > deepest) throw new RangeError("the value is nested too deep, or contains itself")
      if (!Array.isArray(value)) return refuseLossInObject(value, format, holds, depth)
      for (let i = 0; i < value.length; i++) refuseLoss(value[i], format, holds, depth + 1)
      return
    default:
      if (!holds(value)) throw new TypeError(`${format} has no ${typeof value}`)
  }
}

const refuseLossInObject = (value: object, format: string, holds: Holds, depth: number): void => {
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError(`${format} has no ${value.constructor?.name ?? "such object"}`)
  }
  // A field that is undefined is left out, as a Schema leaves out what is optional.
  for (const name in value) {
    const field = (value as Record<string, unknown>)[name]
    if (field !== undefined) refuseLoss(field, format, holds, depth + 1)
  }
}
