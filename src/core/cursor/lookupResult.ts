/** What a lookup found. One is reused for all lookups of a store. */
export class LookupResult {
  kind = 0
  sequence = 0
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
}
