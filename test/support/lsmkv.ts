import { spawn } from "node:child_process"
import { Readable, Writable } from "node:stream"
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { StandardStreams, type Streams } from "../../src/cli/io/standardStreams.js"
import { run } from "../../src/cli/program.js"
import { builtFile } from "./builtPrograms.js"

/** The path of the built program. */
export const program = (): string => builtFile("cli/lsmkv.js")

/** The exit code and the output of a run. */
export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** The bytes of standard output. */
  readonly bytes: Buffer
}

const finished = (code: number | null, stdout: ReadonlyArray<Buffer>, stderr: ReadonlyArray<Buffer>): Finished => {
  const bytes = Buffer.concat(stdout)
  return { code, bytes, stdout: bytes.toString("utf8"), stderr: Buffer.concat(stderr).toString("utf8") }
}

/** A stream that stores the pieces written to it, and yields to the event loop after each. */
const keepIn = (pieces: Array<Buffer>): Writable =>
  new Writable({
    write: (piece: Buffer, _encoding, done) => {
      pieces.push(piece)
      setImmediate(done)
    }
  })

const pipePiece = 65_536

const inPieces = (input: string | Uint8Array): Readable => {
  const bytes = Buffer.from(input)
  const count = Math.ceil(bytes.length / pipePiece)
  return Readable.from(
    Array.from({ length: count }, (_, i) => bytes.subarray(i * pipePiece, (i + 1) * pipePiece)),
    { objectMode: false }
  )
}

/**
 * Runs a command line in this process until it ends, without the test's clock, console and loggers.
 */
export const lsmkv = (
  words: ReadonlyArray<string>,
  input: string | Uint8Array = "",
  streams: Partial<Streams> = {}
): Effect.Effect<Finished> =>
  Effect.promise(async (signal) => {
    const stdout: Array<Buffer> = []
    const stderr: Array<Buffer> = []
    const given = { stdin: inPieces(input), stdout: keepIn(stdout), stderr: keepIn(stderr), ...streams }
    const code = await Effect.runPromise(Effect.provideService(run(words), StandardStreams, given), { signal })
    return finished(code, stdout, stderr)
  })

/** How a test handles a process while it runs. */
export interface Handling {
  readonly input?: string | Uint8Array
  /** Keeps standard input open, as a terminal or a slow writer does. */
  readonly keepInput?: boolean
  /**
   * Sends this signal when the first output arrives, and then reads no more output until the
   * process ends.
   */
  readonly signal?: NodeJS.Signals
  /** Closes standard output after the first piece, as `head` does. */
  readonly closeAfterFirst?: boolean
}

/** Runs the built program as a child process until it ends. */
export const spawnLsmkv = (words: ReadonlyArray<string>, handling: Handling = {}): Effect.Effect<Finished> =>
  spawnCommand(process.execPath, [program(), ...words], handling)

/** Runs any program as a child process until it ends. */
export const spawnCommand = (
  command: string,
  words: ReadonlyArray<string>,
  handling: Handling = {}
): Effect.Effect<Finished> =>
  Effect.async((resume) => {
    const child = spawn(command, words, { stdio: "pipe" })
    const stdout: Array<Buffer> = []
    const stderr: Array<Buffer> = []
    const seen = (): void => {
      if (handling.closeAfterFirst) child.stdout.destroy()
      if (handling.signal !== undefined && !child.killed) {
        child.stdout.pause()
        child.kill(handling.signal)
      }
    }
    child.stdout.on("data", (piece: Buffer) => {
      stdout.push(piece)
      seen()
    })
    child.stderr.on("data", (piece: Buffer) => {
      stderr.push(piece)
      seen()
    })
    child.on("exit", () => child.stdout.resume())
    child.on("error", (error) => resume(Effect.die(error)))
    child.on("close", (code) => resume(Effect.succeed(finished(code, stdout, stderr))))
    // A program may end without reading its input.
    child.stdin.on("error", () => {})
    if (handling.keepInput) child.stdin.write(handling.input ?? "")
    else child.stdin.end(handling.input ?? "")
    return Effect.sync(() => void child.kill())
  })

/** Runs a command that must succeed, and returns its output. */
export const output = (words: ReadonlyArray<string>, input: string | Uint8Array = ""): Effect.Effect<string> =>
  Effect.map(lsmkv(words, input), (finished) => {
    expect(finished, words.join(" ")).toMatchObject({ code: 0, stderr: "" })
    return finished.stdout
  })

/**
 * Returns the error message of a command. The command must have failed with code 2, without output,
 * and with one line on standard error.
 */
export const complaintOf = (finished: Finished): string => {
  expect(finished).toMatchObject({ code: 2, stdout: "" })
  expect(finished.stderr).toMatch(/^lsmkv: [^\n]+\n$/)
  return finished.stderr
}

/** Runs a command that must fail with code 2, and returns its error message. */
export const complaint = (words: ReadonlyArray<string>, input = ""): Effect.Effect<string> =>
  Effect.map(lsmkv(words, input), complaintOf)
