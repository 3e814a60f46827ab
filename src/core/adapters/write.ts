/**
 * One write of a transition. `"absent"` is a condition: nothing of the transition is written if the key
 * is there.
 */
export type Write =
  | { readonly _tag: "put"; readonly key: Uint8Array; readonly value: Uint8Array; readonly ttl?: number | undefined }
  | { readonly _tag: "delete"; readonly key: Uint8Array }
  | { readonly _tag: "absent"; readonly key: Uint8Array }

/** `ttl` is in milliseconds. Undefined if the value does not expire. */
export const put = (key: Uint8Array, value: Uint8Array, ttl?: number): Write => ({ _tag: "put", key, value, ttl })
export const remove = (key: Uint8Array): Write => ({ _tag: "delete", key })
export const absent = (key: Uint8Array): Write => ({ _tag: "absent", key })
