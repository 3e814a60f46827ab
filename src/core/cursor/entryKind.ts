/** What an entry says of its key. The numbers are those of every file format. */
export const EntryKind = { deletion: 0, value: 1 } as const
