import * as fs from "node:fs"
import * as net from "node:net"

/** The bytes of `sun_path` (unix(7)), less the zero at its end. */
const longestPath = 107

/** A path that does not fit would be cut off by some versions of Node. */
export const fitsSocket = (path: string): boolean => Buffer.byteLength(path) <= longestPath

/** Codes by which a system refuses a socket that may yet allow a file: some policies forbid the one alone. */
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

/** Whether a failure leaves hope for a file of the same name. */
export const isImpossible = (cause: unknown): boolean => impossible.has(String((cause as NodeJS.ErrnoException).code))

/**
 * Listens at a path, which must be free. Undefined if no socket can be there. The socket keeps no process alive, and libuv unlinks
 * that path when it is closed.
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
    // Exclusive: a worker of a cluster would ask its primary to listen.
    server.listen({ path, exclusive: true })
    server.unref()
  })

/**
 * Lets all users ask for the owner that may read the store's files. For that a socket wants the right to write. The umask has narrowed what
 * the socket was made with.
 */
export const setSocketMode = (path: string, fileMode: number): void => {
  const readers = fs.lstatSync(path).mode & fileMode & 0o444
  fs.chmodSync(path, 0o600 | readers | (readers >> 1))
}

/** Whether somebody listens at a socket: `refused` if its process is gone, `missing` if its name is, `foreign` if it is another kind. */
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
        // The owner has not turned to those who ask for a while.
        case "EAGAIN":
          return resolve("live")
        // It took the connection, and ended it before this process looked.
        case "ECONNRESET":
        case "EPIPE":
          return resolve("live")
        default:
          return reject(cause)
      }
    })
  })
