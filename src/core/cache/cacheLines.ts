/** Bytes of a cache line. */
export const lineBytes = 64

/** Bytes that the C library puts before a large allocation, which begins at a page. */
export const allocationHeader = 16

/** Allocations of this size begin at a page. */
const largeAllocation = 128 * 1024

/** Where the first cache line begins in an allocation of at least `bytes` bytes. */
export const firstLine = (bytes: number): number => (bytes >= largeAllocation ? lineBytes - allocationHeader : 0)
