/**
 * Wraps text at 100 columns. The first line begins with `head`; the others are indented by
 * `indent`. Ends with a line end.
 */
export const wrap = (text: string, head = "", indent = 0): string => {
  const lines: Array<string> = []
  let line = head
  let empty = true
  for (const word of text.split(" ")) {
    if (!empty && line.length + 1 + word.length > 100) {
      lines.push(line)
      line = " ".repeat(indent)
      empty = true
    }
    line += empty ? word : ` ${word}`
    empty = false
  }
  return [...lines, line].map((each) => `${each}\n`).join("")
}
