import type { Write } from "../../core/adapters/write.js"
import * as WriteBatch from "../../WriteBatch.js"

/** A batch of the writes of a transition. */
export const batchOf = (writes: ReadonlyArray<Write>): WriteBatch.WriteBatch => {
  const batch = WriteBatch.make()
  for (const write of writes) {
    if (write._tag === "put")
      batch.put(write.key, write.value, write.ttl === undefined ? undefined : { ttl: write.ttl })
    else if (write._tag === "delete") batch.delete(write.key)
    else batch.check(write.key, "absent")
  }
  return batch
}
