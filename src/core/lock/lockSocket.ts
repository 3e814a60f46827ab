import * as fs from "node:fs"
import * as net from "node:net"

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
 * socket does not keep the process alive. libuv unlinks the path when the socket is closed.
 */
export const listenAt = (path: string): Promise<net.Server | undefined> =>
  new Promise((resolve, reject) => {
    if (!fitsSocket(path)) return resolve(undefined)
    const server = net.createServer((socket) => socket.destroy())
    server.once("error", (cause: NodeJS.ErrnoException) => {
      if (isImpossible(cause)) resolve(undefined)
      else reject(cause)
    })
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
export const probe = (path: string): Promise<"live" | "refused" | "missing" | "foreign"> =>
  new Promise((resolve, reject) => {
    const socket = net.connect({ path })
    socket.once("connect", () => {
      socket.destroy()
      resolve("live")
    })
    socket.on("error", (cause: NodeJS.ErrnoException) => {
      switch (cause.code) {
        case "ECONNREFUSED":
          return resolve("refused")
        case "ENOENT":
          return resolve("missing")
        case "EPROTOTYPE":
          return resolve("foreign")
        // The backlog is full, because the owner has not accepted connections for a while.
        case "EAGAIN":
          return resolve("live")
        // The owner accepted the connection and closed it before this process noticed.
        case "ECONNRESET":
        case "EPIPE":
          return resolve("live")
        default:
          return reject(cause)
      }
    })
  })
