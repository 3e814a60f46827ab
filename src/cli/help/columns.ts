/** Formats rows of cells as lines with aligned columns. */
export const columns = (rows: ReadonlyArray<ReadonlyArray<string>>, align: ReadonlyArray<"left" | "right">): string => {
  const widths = align.map((_, column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          align[column] === "right" ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)
        )
        .join("  ")
        .trimEnd()
    )
    .map((line) => `${line}\n`)
    .join("")
}
