/** A whole number. With `infinite`, `Infinity` is a value too. */
export interface Whole {
  readonly type: "whole"
  readonly least: number
  readonly most: number
  readonly unit: string
  readonly infinite?: true
}

/** A number that need not be whole. */
export interface Real {
  readonly type: "real"
  readonly least: number
  readonly most: number
  readonly unit: string
}

/** Permission bits: all of `least`, and none beyond `most`. */
export interface Mode {
  readonly type: "mode"
  readonly least: number
  readonly most: number
}

export interface Flag {
  readonly type: "flag"
}

export interface Text {
  readonly type: "text"
  readonly nonEmpty?: true
}

/** One of some words. With `list`, several are a value too: one for each level. */
export interface Choice {
  readonly type: "choice"
  readonly values: ReadonlyArray<string>
  readonly list?: true
}

/** A positive duration. Without `infinite` it is also finite. */
export interface Duration {
  readonly type: "duration"
  readonly infinite?: true
}

/** A kind that has one value, which may be written as text. */
export type SimpleKind = Whole | Real | Mode | Flag | Text | Choice | Duration

/** A part of an option whose value is an object. */
export interface Field {
  readonly kind: SimpleKind
  readonly about: string
  /** A default of the part, if it has one. */
  readonly fallback?: unknown
  /** The default in words, if there is more to say. */
  readonly told?: string
  readonly required?: true
}

/** An object of fields, or one of some words instead. Without required fields, one field at least is given. */
export interface Fields {
  readonly type: "fields"
  readonly words: ReadonlyArray<string>
  readonly fields: Readonly<Record<string, Field>>
}

export type Kind = SimpleKind | Fields

/** An option of a store. */
export interface Description {
  readonly kind: Kind
  /** One sentence or two, without the default. */
  readonly about: string
  /** The default, unless it depends on something else: then only `told` tells it. */
  readonly fallback?: unknown
  readonly told?: string
  /** Whether only a store in a directory has it. */
  readonly opening?: true
}
