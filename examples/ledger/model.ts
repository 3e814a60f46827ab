import { Option, Schema } from "effect"
import { Keyspace } from "effect-lsm"

/** Amounts are whole cents. What an account gets is positive. */
export const Line = Schema.Struct({ account: Schema.String, amount: Schema.Int })
export type Line = typeof Line.Type

/** One booking. Its lines add up to nothing: what some accounts get, others give. */
export const Entry = Schema.Struct({ id: Schema.String, text: Schema.String, lines: Schema.Array(Line) })
export type Entry = typeof Entry.Type

const Opened = Schema.TaggedStruct("Opened", { account: Schema.String, mayOverdraw: Schema.Boolean })
const Posted = Schema.TaggedStruct("Posted", { entry: Entry })

/** What has happened. Events are never changed: all else in the store follows from them. */
export const Event = Schema.Union(Opened, Posted)
export type Event = typeof Event.Type

/** What the events so far say about an account. */
export const Account = Schema.Struct({ mayOverdraw: Schema.Boolean, balance: Schema.Int })
export type Account = typeof Account.Type

/**
 * Changes accounts as an event says, and returns the balance of each of its lines. The only place that says
 * what events mean: commands and the view use it.
 */
export const apply = (accounts: Map<string, Account>, event: Event): Array<Line & { readonly balance: number }> => {
  if (event._tag === "Opened") {
    accounts.set(event.account, { mayOverdraw: event.mayOverdraw, balance: 0 })
    return []
  }
  return event.entry.lines.map(({ account, amount }) => {
    const before = accounts.get(account)!
    const balance = before.balance + amount
    accounts.set(account, { ...before, balance })
    return { account, amount, balance }
  })
}

/** The accounts that were found, by name. */
export const found = (
  names: ReadonlyArray<string>,
  accounts: ReadonlyArray<Option.Option<Account>>
): Map<string, Account> =>
  new Map(names.flatMap((name, i) => Option.toArray(Option.map(accounts[i]!, (account) => [name, account] as const))))

export const accountsOf = (event: Event): ReadonlyArray<string> =>
  event._tag === "Opened" ? [event.account] : event.entry.lines.map(({ account }) => account)

/** An entry is posted once, however often its id is sent. */
export const byEntry = Keyspace.index({
  name: "entry",
  on: Schema.String,
  of: (event: Event) => (event._tag === "Posted" ? event.entry.id : undefined),
  unique: true
})

/** The events, numbered from 1 without gaps. */
export const Journal = Keyspace.make({ name: "journal", key: Schema.Number, value: Event, indexes: [byEntry] })

/** The view: each account as of `through`, and its statement. */
export const Accounts = Keyspace.make({ name: "accounts", key: Schema.String, value: Account })
export const Statements = Keyspace.make({
  name: "statements",
  key: Schema.Struct({ account: Schema.String, sequence: Schema.Number, line: Schema.Number }),
  value: Schema.Struct({ text: Schema.String, amount: Schema.Int, balance: Schema.Int })
})

/** How far the view is: the last event that it has, and the place in the feed of changes after it. */
export const Checkpoints = Keyspace.make({
  name: "checkpoints",
  key: Schema.Literal("view"),
  value: Schema.Struct({ through: Schema.Number, position: Schema.String })
})

export class AccountExists extends Schema.TaggedError<AccountExists>("AccountExists")("AccountExists", {
  account: Schema.String
}) {}

export class UnknownAccount extends Schema.TaggedError<UnknownAccount>("UnknownAccount")("UnknownAccount", {
  account: Schema.String
}) {}

export class Unbalanced extends Schema.TaggedError<Unbalanced>("Unbalanced")("Unbalanced", {
  id: Schema.String,
  sum: Schema.Number
}) {}

export class Overdrawn extends Schema.TaggedError<Overdrawn>("Overdrawn")("Overdrawn", {
  account: Schema.String,
  /** What the balance would be. */
  balance: Schema.Number
}) {}

/** The id was used for another entry. */
export class EntryDiffers extends Schema.TaggedError<EntryDiffers>("EntryDiffers")("EntryDiffers", {
  id: Schema.String
}) {}
