/** What processes have printed of their orders and jobs, compared with what those before them have. */
export class Results {
  readonly faults: Array<string> = []
  private readonly receipts = new Map<number, string>()
  private readonly jobs = new Map<number, string>()
  private finished = 0

  /** Takes a line of output. A result is random, so one that was made twice is seen. Other lines are the store's log. */
  take(line: string): void {
    const [, kind, number, result] = /^(order|job) (\d+): (.*)$/.exec(line) ?? []
    if (kind === undefined) {
      const [, count] = /^finished (\d+) orders$/.exec(line) ?? []
      if (count !== undefined) this.finished = Number(count)
      return
    }
    const known = kind === "order" ? this.receipts : this.jobs
    const order = Number(number)
    const before = known.get(order)
    if (before !== undefined && before !== result) this.faults.push(`${kind} ${order} was "${before}", now "${result}"`)
    known.set(order, result!)
  }

  /** Checks that the last process finished all orders, and that each job belongs to its order. */
  checkAll(orders: number): void {
    if (this.finished !== orders) this.faults.push(`the last process finished ${this.finished} of ${orders} orders`)
    for (let order = 1; order <= orders; order++) {
      const job = this.jobs.get(order)
      if (job !== `letter about ${this.receiptOf(order)}`)
        this.faults.push(`order ${order} is "${this.receipts.get(order)}", its job "${job}"`)
    }
  }

  /** Checks what a job has left in the store. */
  checkLetter(order: number, letter: string): void {
    if (letter !== this.receiptOf(order)) this.faults.push(`letter ${order} is "${letter}"`)
  }

  private receiptOf(order: number): string | undefined {
    return /^(\S+) from shelf \d$/.exec(this.receipts.get(order) ?? "")?.[1]
  }
}
