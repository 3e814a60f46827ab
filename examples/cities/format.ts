import { Duration } from "effect"

const english = new Intl.NumberFormat("en")

export const number = (value: number) => english.format(value)

export const bytes = (value: number) =>
  value < 1024
    ? `${value} B`
    : value < 1024 ** 2
      ? `${(value / 1024).toFixed(1)} KiB`
      : `${(value / 1024 ** 2).toFixed(1)} MiB`

/** How many a second, to the thousand when there are many. */
export const rate = (count: number, took: Duration.Duration) => {
  const perSecond = count / Math.max(Duration.toSeconds(took), 1e-6)
  return number(perSecond < 10_000 ? Math.round(perSecond) : Math.round(perSecond / 1000) * 1000)
}

export const duration = (value: Duration.Duration) => {
  const millis = Duration.toMillis(value)
  return millis < 10
    ? `${millis.toFixed(1)} ms`
    : millis < 1000
      ? `${Math.round(millis)} ms`
      : `${(millis / 1000).toFixed(2)} s`
}
