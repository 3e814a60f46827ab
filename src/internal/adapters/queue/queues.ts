import * as Effect from "effect/Effect"
import type { InvalidArgument } from "../../../LsmError.js"
import type { OrderedStoreService } from "../../../OrderedStore.js"
import { loneSurrogate } from "../loneSurrogate.js"

/** The queues of stores. Layers that are built twice on one store share them, so no element is taken twice. */
export class Queues<Queue> {
  private readonly stores = new WeakMap<object, Map<string, Map<string, Queue>>>()

  /** A function that returns the queues of an instance by name. A queue is made when it is first asked for. */
  of(
    store: OrderedStoreService,
    instance: string,
    make: (queue: string) => Queue
  ): (queue: string) => Effect.Effect<Queue, InvalidArgument> {
    const instances = this.stores.get(store.identity) ?? new Map<string, Map<string, Queue>>()
    this.stores.set(store.identity, instances)
    const queues = entryOf(instances, instance, () => new Map<string, Queue>())
    return (name) =>
      name.isWellFormed()
        ? Effect.sync(() => entryOf(queues, name, () => make(name)))
        : Effect.fail(loneSurrogate("name"))
  }
}

const entryOf = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}
