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
  running = startExample("http-service/main.ts", { DIRECTORY: join(directory, "store"), PORT: "0" })
  return (await running.match(/http:\/\/127\.0\.0\.1:\d+/))[0]
}

const stop = () => {
  running!.child.kill("SIGTERM")
  return running!.ended
}

/** Starts a PUT and sends half of its body. Resolves to a function that sends the rest. */
const beginPut = (url: string, half: string) =>
  new Promise<(rest: string) => Promise<number | undefined>>((resolve) => {
    const headers = { expect: "100-continue", "content-type": "application/json" }
    const outgoing = request(url, { method: "PUT", headers })
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
    get(`${url}/health`, { agent }, (response) => {
      const closed = new Promise<void>((close) => response.socket.once("close", () => close()))
      response.resume().on("end", () => resolve({ closed }))
    }).on("error", reject)
  })

const send = async (method: string, url: string, body?: unknown) => {
  const init = { method, headers: { "content-type": "application/json" } }
  const response = await fetch(url, body === undefined ? init : { ...init, body: JSON.stringify(body) })
  const text = await response.text()
  return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : text }
}

const addProduct = (url: string, sku: string, stock: number) =>
  send("POST", `${url}/products`, { sku, name: sku.toLowerCase(), stock })

const stockOf = async (url: string, sku: string) => (await send("GET", `${url}/products/${sku}`)).body.stock

describe("http-service", () => {
  it("serves products and orders, pages, and typed errors", async () => {
    const url = await start()
    for (const [i, sku] of ["LAMP", "DESK", "CHAIR"].entries()) {
      const product = { id: i + 1, sku, name: sku.toLowerCase(), stock: 3 }
      expect(await addProduct(url, sku, 3)).toStrictEqual({ status: 200, body: product })
    }
    expect(await addProduct(url, "LAMP", 1)).toMatchObject({ status: 409, body: { _tag: "SkuTaken", sku: "LAMP" } })
    expect((await addProduct(url, "no sku", 1)).status).toBe(400)
    expect((await addProduct(url, "SHELF", -1)).status).toBe(400)

    const first = await send("GET", `${url}/products?limit=2`)
    expect(first.body.products.map(({ sku }: { sku: string }) => sku)).toStrictEqual(["LAMP", "DESK"])
    const second = await send("GET", `${url}/products?limit=2&after=${first.body.next}`)
    expect(second.body).toMatchObject({ products: [{ sku: "CHAIR" }], next: null })
    expect((await send("GET", `${url}/products?after=nonsense`)).body._tag).toBe("InvalidPage")
    expect((await send("GET", `${url}/products?limit=0`)).status).toBe(400)

    const order = { sku: "LAMP", quantity: 2 }
    const placed = { status: 200, body: { id: "a", ...order } }
    expect(await send("PUT", `${url}/orders/a`, order)).toStrictEqual(placed)
    expect(await send("PUT", `${url}/orders/a`, order)).toStrictEqual(placed)
    expect((await send("PUT", `${url}/orders/a`, { ...order, quantity: 1 })).body._tag).toBe("OrderDiffers")
    expect((await send("PUT", `${url}/orders/b`, order)).body).toMatchObject({ _tag: "NotEnough", stock: 1 })
    expect((await send("PUT", `${url}/orders/b`, { ...order, quantity: 0 })).status).toBe(400)
    expect((await send("PUT", `${url}/orders/b`, { ...order, sku: "SOFA" })).status).toBe(404)
    expect(await stockOf(url, "LAMP")).toBe(1)

    expect(await send("GET", `${url}/health`)).toStrictEqual({ status: 200, body: "ok" })
    expect((await send("GET", `${url}/metrics`)).body).toContain("lsm_batches_total")
    expect((await send("GET", `${url}/openapi.json`)).body.paths).toHaveProperty("/orders/{id}")
    const { code, output } = await stop()
    expect(code, output).toBe(0)
  })

  it("finishes a request in flight after SIGTERM, and has its order after a restart", async () => {
    const url = await start()
    const idle = await openIdleConnection(url)
    const endPut = await beginPut(`${url}/orders/late`, '{ "sku": "DESK", ')
    running!.child.kill("SIGTERM")
    await idle.closed
    await expect(fetch(url)).rejects.toThrow()
    expect(await endPut('"quantity": 1 }')).toBe(200)
    const { code, output } = await running!.ended
    expect(code, output).toBe(0)

    const again = await start()
    expect(await stockOf(again, "DESK")).toBe(2)
    expect((await stop()).code).toBe(0)
  })

  it("has all that it acknowledged after SIGKILL, and takes each order once", async () => {
    const url = await start()
    const count = 20
    await addProduct(url, "CUP", count)
    const order = (url: string, i: number) => send("PUT", `${url}/orders/cup-${i}`, { sku: "CUP", quantity: 1 })
    const acknowledged: Array<number> = []
    const refused: Array<number> = []
    const orders = Array.from({ length: count }, async (_, i) => {
      const { status } = await order(url, i)
      if (status !== 200) return refused.push(status)
      acknowledged.push(i)
      if (acknowledged.length === 5) running!.child.kill("SIGKILL")
    })
    await Promise.allSettled(orders)
    running!.child.kill("SIGKILL")
    await running!.ended
    expect(refused).toStrictEqual([])
    expect(acknowledged.length).toBeGreaterThanOrEqual(5)

    const again = await start()
    const stock = await stockOf(again, "CUP")
    expect(stock).toBeLessThanOrEqual(count - acknowledged.length)
    // The client does not know which of the others were placed, so it sends all of them again.
    for (let i = 0; i < count; i++) expect((await order(again, i)).status).toBe(200)
    expect(await stockOf(again, "CUP")).toBe(0)
    expect((await order(again, count)).body._tag).toBe("NotEnough")
    expect((await stop()).code).toBe(0)
  })
})
