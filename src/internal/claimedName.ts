import * as net from "node:net"

/**
 * As long as a socket's name can be. Some versions of Node fill what is left of it with zeros, others leave it out: a name that
 * has them all is the same name to all.
 */
const nameLength = 108

/** Called back with how to let the name go, or with who stands in the way. */
type Done = (outcome: (() => void) | "taken" | "impossible") => void

/**
 * Owns a name among the processes and threads of one Linux system, until it is let go or the process has ended, however it did: an abstract Unix
 * domain socket (unix(7)), which has no file, and to which one can be bound. That takes 0.2 ms, where a program that locks a file takes 5 to 12, for
 * a copy of the process is made to start it. Containers with networks of their own have names of their own.
 */
export const claimName = (name: string, done: Done): void => {
  // Some versions would cut it off.
  if (name.length >= nameLength) return done("impossible")
  let answered = false
  const answer: Done = (outcome) => {
    if (answered) return
    answered = true
    done(outcome)
  }
  const server = net.createServer((socket) => socket.destroy())
  server.on("error", ({ code }: NodeJS.ErrnoException) => answer(code === "EADDRINUSE" ? "taken" : "impossible"))
  try {
    // Exclusive: in a cluster the name would be the whole cluster's.
    server.listen({ path: `\0${name}`.padEnd(nameLength, "\0"), exclusive: true }, () => answer(() => server.close()))
    server.unref()
  } catch {
    answer("impossible")
  }
}
