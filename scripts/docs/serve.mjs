// Builds the guide and the pages of the API, and serves them on this machine until Ctrl-C. PORT says where.
import { spawnSync } from "node:child_process"
import { readFile } from "node:fs/promises"
import { createServer } from "node:http"
import { extname, join, normalize } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))
const site = join(root, "build", "docs")
const port = Number(process.env.PORT ?? 8000)
const types = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml"
}

const { status } = spawnSync("npm", ["run", "--silent", "docs:build"], { cwd: root, stdio: "inherit" })
if (status !== 0) process.exit(status ?? 1)

const server = createServer(async ({ url = "/" }, response) => {
  try {
    const path = decodeURIComponent(new URL(url, "http://localhost").pathname)
    const file = join(site, normalize(path.endsWith("/") ? `${path}index.html` : path))
    const content = await readFile(file)
    response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" }).end(content)
  } catch {
    response.writeHead(404, { "content-type": "text/plain" }).end("There is no such page.\n")
  }
})
server.listen(port, "127.0.0.1", () => console.log(`http://localhost:${server.address().port}/ until Ctrl-C`))
