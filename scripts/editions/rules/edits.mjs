// Edits that several rules make. Each gets the place where the member is used.
import ts from "typescript"

/** `name(a, b)` to `name([a, b])`. */
export const argumentsAsArray =
  (to) =>
  ({ call, edits, rename, target }) => {
    rename(target, to)
    edits.insert(call.arguments.pos, "[")
    edits.insert(call.arguments.end, "]")
  }

/** `name()` to `name`. */
export const withoutCall = ({ access, call, edits, rename, target }) => {
  rename(target)
  edits.replace(access.end, call.end, "")
}

/** `name(a, …)` to `name(…)`, without the arguments. */
export const withoutArguments =
  (specifier, to) =>
  ({ call, drop, edits, rename }) => {
    rename(specifier, to)
    if (call.arguments.length > 0) edits.replace(call.arguments.pos, call.arguments.end, "")
    drop(call.arguments)
  }

/** `name(…, value)` to `provideService(…, Service, value)`, with the Service of a module. */
export const asService =
  (module, name, provide = "effect/Effect#provideService") =>
  ({ call, edits, rename, use }) => {
    rename(...provide.split("#"))
    edits.insert(call.arguments.at(-1).getStart(), `${use(module, true)}.${name}, `)
  }

/** `filter(…)` to `check(newFilter(…))`, both of Schema. */
export const asCheck =
  (filter) =>
  ({ call, edits, rename, target }) => {
    rename(target, "check")
    edits.insert(call.arguments[0].getStart(), `Schema.${filter}(`)
    edits.insert(call.arguments[0].end, ")")
  }

/** `Module.Module.Type` to `Module.Type`. */
export const withoutNamespace = ({ access, edits, rename, target }) => {
  if (!ts.isQualifiedName(access.parent)) return rename(target)
  rename(target, "")
  edits.replace(access.right.getStart() - 1, access.right.getStart(), "")
}

/** A member that is a string. */
export const asText =
  (text) =>
  ({ access, edits }) =>
    edits.replace(access.getStart(), access.end, JSON.stringify(text))
