/** The result of a lookup. A store reuses one for all its lookups. */
export class LookupResult {
  kind = 0
  sequence = 0
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
}
