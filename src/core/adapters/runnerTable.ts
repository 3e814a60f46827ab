/**
 * The runners of a cluster, and which of them has which shards. It is in memory only: all runners are
 * in the process that has the store for itself, so none of them outlives it. For the same reason
 * nothing here expires: a runner is removed when its scope ends.
 */
export class RunnerTable {
  private readonly runners = new Map<string, { readonly runner: string; readonly isHealthy: boolean }>()
  /** The address of the runner that has a shard. */
  private readonly owners = new Map<string, string>()

  register(address: string, runner: string, isHealthy: boolean): void {
    this.runners.set(address, { runner, isHealthy })
  }

  unregister(address: string): void {
    this.runners.delete(address)
  }

  setHealth(address: string, isHealthy: boolean): void {
    const entry = this.runners.get(address)
    if (entry !== undefined) this.runners.set(address, { ...entry, isHealthy })
  }

  get all(): Array<readonly [runner: string, isHealthy: boolean]> {
    return [...this.runners.values()].map(({ isHealthy, runner }) => [runner, isHealthy])
  }

  /** Takes the shards that no other runner has, and returns those that the runner then has. */
  acquire(address: string, shards: ReadonlyArray<string>): Array<string> {
    for (const shard of shards) if (!this.owners.has(shard)) this.owners.set(shard, address)
    return this.ownedBy(address, shards)
  }

  /** Those of the shards that the runner has. */
  ownedBy(address: string, shards: ReadonlyArray<string>): Array<string> {
    return shards.filter((shard) => this.owners.get(shard) === address)
  }

  release(address: string, shard: string): void {
    if (this.owners.get(shard) === address) this.owners.delete(shard)
  }

  releaseAll(address: string): void {
    for (const [shard, owner] of this.owners) if (owner === address) this.owners.delete(shard)
  }
}
