// HttpApi: its endpoints are built by methods in Effect 3, and from one object in Effect 4.
import ts from "typescript"

/** The methods of an endpoint, by the options that say the same. */
const options = {
  setPath: "params",
  setUrlParams: "query",
  setPayload: "payload",
  addSuccess: "success",
  addError: "error"
}

/** The calls of methods on an endpoint, in their order. */
const methodsOf = (endpoint) => {
  const calls = []
  let at = endpoint
  while (ts.isPropertyAccessExpression(at.parent) && options[at.parent.name.text] !== undefined) {
    at = at.parent.parent
    calls.push(at)
  }
  return calls
}

/** `get(name, path).setPath(A).addError(B).addError(C)` to `get(name, path, { params: A, error: [B, C] })`. */
const endpoint = ({ call, edits, rename, target }) => {
  rename(target)
  let written
  for (const method of methodsOf(call)) {
    const { expression } = method
    const option = options[expression.name.text]
    const [schema] = method.arguments
    const isSecond = written === "error" && option === "error"
    const begin = written === undefined ? ", { " : ", "
    const label = option === "error" ? "error: [" : `${option}: `
    const close = written === "error" && !isSecond ? "]" : ""
    edits.replace(
      expression.expression.end - (written === undefined ? 1 : 0),
      schema.getStart(),
      isSecond ? ", " : `${close}${begin}${label}`
    )
    edits.replace(schema.end, method.end, "")
    written = option
  }
  if (written !== undefined) edits.insert(methodsOf(call).at(-1).end, `${written === "error" ? "]" : ""} })`)
}

/** `{ path, urlParams }`, which handlers get, to `{ params, query }`. */
const parts = { path: "params", urlParams: "query" }

const renameParts = (node, edits) => {
  if (ts.isArrowFunction(node) && node.parameters.length === 1 && ts.isObjectBindingPattern(node.parameters[0].name)) {
    for (const { name, propertyName } of node.parameters[0].name.elements) {
      const to = parts[name.text]
      if (propertyName === undefined && to !== undefined) edits.insert(name.getStart(), `${to}: `)
    }
  }
  ts.forEachChild(node, (child) => renameParts(child, edits))
}

export const members = {
  "@effect/platform/HttpApiBuilder": {
    group: ({ call, edits, rename, target }) => {
      rename(target)
      renameParts(call.arguments.at(-1), edits)
    }
  },
  "@effect/platform/HttpApiEndpoint": { get: endpoint, post: endpoint, put: endpoint },
  // HttpApiSchema.annotations({ status }) to { httpApiStatus: status }
  "@effect/platform/HttpApiSchema": {
    annotations: ({ call, drop, edits }) => {
      const [{ properties }] = call.arguments
      edits.replace(call.getStart(), call.end, `{ httpApiStatus: ${properties[0].initializer.getText()} }`)
      drop(call.arguments)
    }
  },
  "@effect/platform/HttpLayerRouter": { addHttpApi: "effect/http-api/HttpApiBuilder#layer" }
}
