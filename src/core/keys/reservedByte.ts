/** The first byte of every key that the library keeps for itself. No string begins with it in UTF-8. */
export const reservedByte = Uint8Array.of(0xff)
