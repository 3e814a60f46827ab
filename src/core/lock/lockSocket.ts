import * as fs from "node:fs"
import * as net from "node:net"
import { bunFetch, connectFailureInBun, denoSockets, type Listener, listenInDeno } from "./otherRuntimes.js"

/** The bytes of `sun_path` (unix(7)) without the terminating zero. */
const longestPath = 107

/** Whether a path fits. Some versions of Node would truncate a longer one. */
export const fitsSocket = (path: string): boolean => Buffer.byteLength(path) <= longestPath

/** Error codes that rule out a socket but not a file. Some policies forbid only sockets. */
const impossible = new Set([
  "EACCES",
  "EAFNOSUPPORT",
  "EINVAL",
  "ENAMETOOLONG",
  "ENOSYS",
  "ENOTSUP",
  "EOPNOTSUPP",
  "EPERM",
  "EPROTONOSUPPORT"
])

/** Whether a failure rules out a socket, while a file of the same name may be possible. */
export const isImpossible = (cause: unknown): boolean => impossible.has(String((cause as NodeJS.ErrnoException).code))

/**
 * Listens at a path, which must be free. Returns undefined if a socket is impossible there. The
 * socket does not keep the process alive. It may unlink the path when it is closed.
 */
export const listenAt = async (path: string, deno = denoSockets()): Promise<Listener | undefined> => {
  if (!fitsSocket(path)) return undefined
  try {
    return deno === undefined ? await listenInNode(path) : listenInDeno(path, deno)
  } catch (cause) {
    if (isImpossible(cause)) return undefined
    throw cause
  }
}

const listenInNode = (path: string): Promise<net.Server> =>
  new Promise((resolve, reject) => {
    const server = net.createServer((socket) => socket.destroy())
    server.once("error", reject)
    server.once("listening", () => {
      server.on("error", () => undefined)
      resolve(server)
    })
    // Without `exclusive`, a cluster worker would ask its primary to listen.
    server.listen({ path, exclusive: true })
    server.unref()
  })

/**
 * Lets all users that may read the store's files check for its owner. Connecting requires
 * permission to write to the socket. The umask has already narrowed the socket's mode.
 */
export const setSocketMode = (path: string, fileMode: number): void => {
  const readers = fs.lstatSync(path).mode & fileMode & 0o444
  fs.chmodSync(path, 0o600 | readers | (readers >> 1))
}

/**
 * Whether a process listens at a socket: `refused` if the process is gone, `missing` if the name is
 * gone, `foreign` if it is a socket of another kind.
 */
export type SocketState = "live" | "refused" | "missing" | "foreign"

/** Connects to a socket to see its state. */
export const probe = async (path: string, fetchInBun = bunFetch()): Promise<SocketState> => {
  const first = await connectFailure(path)
  const isUnclear = first?.code === "ECONNREFUSED" && fetchInBun !== undefined
  const failure = isUnclear ? await connectFailureInBun(path, first, fetchInBun) : first
  if (failure === undefined) return "live"
  switch (failure.code) {
    case "ECONNREFUSED":
      return "refused"
    case "ENOENT":
      return "missing"
    case "EPROTOTYPE":
      return "foreign"
    // The backlog is full, because the owner has not accepted connections for a while.
    case "EAGAIN":
      return "live"
    // The owner accepted the connection and closed it before this process noticed.
    case "ECONNRESET":
    case "EPIPE":
      return "live"
    default:
      throw failure
  }
}

/** Connects to a socket. Returns undefined if that worked. */
const connectFailure = (path: string): Promise<NodeJS.ErrnoException | undefined> =>
  new Promise((resolve) => {
    const socket = net.connect({ path })
    socket.once("connect", () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.on("error", resolve)
  })
