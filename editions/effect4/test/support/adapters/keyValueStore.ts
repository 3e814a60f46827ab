import * as KeyValueStore from "effect/persistence/KeyValueStore"

/** The interface of this edition in one form, for tests that both editions share. */
export const calls = KeyValueStore.KeyValueStore

/** The errors of this edition have one tag, so their kind is that of the store's error that caused them. */
const kinds: Readonly<Record<string, string>> = {
  InvalidArgument: "BadArgument",
  LimitExceeded: "BadArgument",
  StoreClosed: "BadResource"
}

/** What kind of error it is, and the tag of the store's error that caused it. */
export const kindOf = ({ cause, method }: KeyValueStore.KeyValueStoreError) => {
  const tag = (cause as { readonly _tag: string })._tag
  return { kind: kinds[tag], method, cause: tag }
}
