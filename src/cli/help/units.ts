/** A whole number with commas between thousands. Without Intl, which is slow to load. */
export const formatCount = (count: number): string => String(count).replaceAll(/\B(?=(\d{3})+$)/g, ",")

/** A number and its noun, in singular or plural. */
export const plural = (count: number, singular: string, several = `${singular}s`): string =>
  `${formatCount(count)} ${count === 1 ? singular : several}`

/** A size in the largest unit in which it is at least 1. */
export const formatBytes = (bytes: number): string => {
  let size = bytes
  let unit = 0
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024
    unit++
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`
}

/** A fraction as a percentage. */
export const formatPercent = (part: number): string => `${(100 * part).toFixed(1)} %`

const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const
