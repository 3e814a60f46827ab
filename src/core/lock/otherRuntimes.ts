/** A socket on which an owner listens. */
export interface Listener {
  readonly close: () => void
}

/** What is used of `Deno.listen`. */
export interface DenoSockets {
  readonly listen: (options: {
    readonly transport: "unix"
    readonly path: string
  }) => Listener & AsyncIterable<Listener> & { readonly unref: () => void }
}

/** Deno's own sockets; undefined in another runtime. */
export const denoSockets = (): DenoSockets | undefined => (globalThis as { readonly Deno?: DenoSockets }).Deno

/**
 * Listens at a path in Deno. Children inherit the sockets of Deno's `node:net`, so after a kill the
 * owner's name would stay live as long as they run. They do not inherit those of `Deno.listen`.
 *
 * @throws an error with a code of the system
 */
export const listenInDeno = (path: string, deno: DenoSockets): Listener => {
  const listener = deno.listen({ transport: "unix", path })
  listener.unref()
  const closeConnections = async (): Promise<void> => {
    for await (const connection of listener) connection.close()
  }
  // Without it the backlog fills, and the name is still live.
  closeConnections().catch(() => undefined)
  return listener
}

/** What is used of `fetch`. Bun's takes the path of a socket. */
export type BunFetch = (url: string, init: { readonly unix: string; readonly signal: AbortSignal }) => Promise<unknown>

/** Bun's own `fetch`; undefined in another runtime. */
export const bunFetch = (): BunFetch | undefined =>
  (globalThis as { readonly Bun?: { readonly fetch: BunFetch } }).Bun?.fetch

/**
 * Why Bun could not connect to a socket; undefined if it could. Its `node:net` reports most failures
 * as `ECONNREFUSED`, even a full backlog, which shows that the owner is there. From Bun 1.4.3 on its
 * `fetch` has the code of the system. Before that it has none, and the refusal has to do.
 */
export const connectFailureInBun = async (
  path: string,
  refusal: NodeJS.ErrnoException,
  fetchInBun: BunFetch
): Promise<NodeJS.ErrnoException | undefined> => {
  try {
    await fetchInBun("http://owner/", { unix: path, signal: AbortSignal.timeout(1000) })
    return undefined
  } catch (cause) {
    const failure = cause as NodeJS.ErrnoException
    if (failure.code === "FailedToOpenSocket") return refusal
    return failure.name === "TimeoutError" ? undefined : failure
  }
}
