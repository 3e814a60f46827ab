import * as Effect from "effect/Effect"
import { QueueKeys } from "../../../core/adapters/queue/queueKeys.js"
import type { InvalidArgument } from "../../../LsmError.js"
import type { OrderedStoreService } from "../../../OrderedStore.js"
import { loneSurrogate } from "../loneSurrogate.js"

/** The queues of stores. Layers that are built twice on one store share them, so no element is taken twice. */
export class Queues<Queue> {
  private readonly stores = new WeakMap<object, Map<string, Map<string, Queue>>>()

  constructor(private readonly make: (store: OrderedStoreService, keys: QueueKeys) => Queue) {}

  /** A function that returns the queues of an instance by name. */
  of(store: OrderedStoreService, instance: string): (name: string) => Effect.Effect<Queue, InvalidArgument> {
    const instances = this.stores.get(store.identity) ?? new Map<string, Map<string, Queue>>()
    this.stores.set(store.identity, instances)
    const queues = entryOf(instances, instance, () => new Map<string, Queue>())
    return (name) =>
      name.isWellFormed()
        ? Effect.sync(() => entryOf(queues, name, () => this.make(store, new QueueKeys(instance, name))))
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
