const units: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40
}

/** Reads a size such as `4096`, `64 MiB` or `1.5kB`; undefined if the text is none. */
export const readBytes = (text: string): number | undefined => {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?b)?\s*$/i.exec(text)
  const unit = units[(match?.[2] ?? "b").toLowerCase()]
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit
}

const told = ["TiB", "GiB", "MiB", "KiB"] as const

/** A size in the largest unit of which it is a multiple. */
export const tellBytes = (bytes: number): string => {
  for (const unit of told) {
    const size = units[unit.toLowerCase()]!
    if (bytes >= size && bytes % size === 0) return `${bytes / size} ${unit}`
  }
  return `${bytes} B`
}
