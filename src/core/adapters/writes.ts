/** One write that a rule asks for. */
export type Write =
  | { readonly put: Uint8Array; readonly value: string }
  | { readonly delete: Uint8Array }
  | { readonly deleteRange: { readonly start: Uint8Array; readonly end: Uint8Array } }

/** A rule does not allow a change. Nothing is to be written. */
export class RefusedChange extends Error {
  readonly _kind = "RefusedChange"
}
