/** Gives out numbers that no file of the store has had. */
export class FileNumbers {
  constructor(private following: number) {}

  /** The number that the next file gets. */
  get next(): number {
    return this.following
  }

  readonly allocate = (): number => this.following++
}
