/**
 * The kind of an entry. The numbers are part of every file format. An entry of kind `valueHandle`
 * has its value in another file, and a handle in its place. Only tables have such entries.
 */
export const EntryKind = { deletion: 0, value: 1, valueHandle: 2 } as const
