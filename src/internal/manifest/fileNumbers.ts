/** Returns file numbers that were never used in the store. */
export class FileNumbers {
  constructor(private following: number) {}

  /** The number of the next file. */
  get next(): number {
    return this.following
  }

  readonly allocate = (): number => this.following++
}
