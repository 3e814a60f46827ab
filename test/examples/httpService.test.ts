import { mkdtempSync, rmSync } from "node:fs"
import { Agent, get, request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { builtFile } from "../support/builtPrograms.js"
import { type ExampleProgram, startExample } from "../support/exampleProgram.js"

let directory: string
let running: ExampleProgram | undefined

beforeAll(() => {
  builtFile("index.js")
  directory = mkdtempSync(join(tmpdir(), "effect-lsm-http-"))
})
afterEach(async () => {
  running?.child.kill("SIGKILL")
  await running?.ended
})
afterAll(() => rmSync(directory, { recursive: true }))

const start = async (): Promise<string> => {
  running = startExample("http-service.ts", { DIRECTORY: join(directory, "store"), PORT: "0" })
  return (await running.match(/http:\/\/127\.0\.0\.1:\d+/))[0]
}

const stop = () => {
  running!.child.kill("SIGTERM")
  return running!.ended
}

/** Starts a PUT and sends half of its value. Resolves to a function that sends the rest. */
const beginPut = (url: string, half: string) =>
  new Promise<(rest: string) => Promise<number | undefined>>((resolve) => {
    const outgoing = request(url, { method: "PUT", headers: { expect: "100-continue" } })
    const status = new Promise<number | undefined>((done, fail) => {
      outgoing.on("response", (response) => {
        response.resume()
        done(response.statusCode)
      })
      outgoing.on("error", fail)
    })
    // The caller that awaits `status` sees the failure.
    status.catch(() => undefined)
    outgoing.on("continue", () => {
      outgoing.write(half)
      resolve((rest) => {
        outgoing.end(rest)
        return status
      })
    })
    outgoing.flushHeaders()
  })

/** Opens a connection that stays idle. `closed` resolves when the service closes it, as it stops listening. */
const openIdleConnection = (url: string): Promise<{ readonly closed: Promise<void> }> =>
  new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: true })
    get(`${url}/entries?prefix=none`, { agent }, (response) => {
      const closed = new Promise<void>((close) => response.socket.once("close", () => close()))
      response.resume().on("end", () => resolve({ closed }))
    }).on("error", reject)
  })

describe("http-service", () => {
  it("puts, gets and scans", async () => {
    const url = await start()
    const put = (key: string, body: string) => fetch(`${url}/entries/${key}`, { method: "PUT", body })
    expect((await put("user:1", "Ada")).status).toBe(204)
    expect((await put("user:2", "Grace")).status).toBe(204)
    expect((await put("other", "x")).status).toBe(204)
    expect(await (await fetch(`${url}/entries/user:1`)).text()).toBe("Ada")
    expect((await fetch(`${url}/entries/user:3`)).status).toBe(404)
    expect(await (await fetch(`${url}/entries?prefix=user:`)).text()).toBe('["user:1","Ada"]\n["user:2","Grace"]\n')
    expect((await (await fetch(`${url}/entries`)).text()).split("\n").length).toBe(4)
    const { code, output } = await stop()
    expect(code, output).toBe(0)
  })

  it("finishes a request in flight after SIGTERM, and has its whole value after a restart", async () => {
    const url = await start()
    const idle = await openIdleConnection(url)
    const endPut = await beginPut(`${url}/entries/late`, "first half, ")
    running!.child.kill("SIGTERM")
    await idle.closed
    await expect(fetch(url)).rejects.toThrow()
    expect(await endPut("second half")).toBe(204)
    const { code, output } = await running!.ended
    expect(code, output).toBe(0)

    const again = await start()
    expect(await (await fetch(`${again}/entries/late`)).text()).toBe("first half, second half")
    expect(await (await fetch(`${again}/entries/user:1`)).text()).toBe("Ada")
    expect((await stop()).code).toBe(0)
  })
})
