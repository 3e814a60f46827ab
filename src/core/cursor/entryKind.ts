/** The kind of an entry. The numbers are part of every file format. */
export const EntryKind = { deletion: 0, value: 1 } as const
