/** The ids of machines, by address: from 1 on, and never given twice. */
export type MachineIds = Readonly<Record<string, number>>

export const readMachineIds = (text: string | undefined): MachineIds =>
  text === undefined ? {} : (JSON.parse(text) as MachineIds)

/** The ids with one for this address. An address that has an id keeps it. */
export const withMachineId = (ids: MachineIds, address: string): MachineIds =>
  Object.hasOwn(ids, address) ? ids : { ...ids, [address]: Object.keys(ids).length + 1 }
