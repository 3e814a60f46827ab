// Functions that only return an `Effect.gen` are written by `Effect.fnUntraced` in Effect 4, as its own packages are:
//
//   (a: A): Effect.Effect<B, E> => Effect.gen(function* () { … })
//   Effect.fnUntraced(function* (a: A): Effect.fn.Return<B, E> { … })
import ts from "typescript"

/** Whether a node is the member `name` of the module effect/Effect. */
const isOfEffect = (node, name, local) => {
  const [module, member] = ts.isPropertyAccessExpression(node)
    ? [node.expression, node.name]
    : ts.isQualifiedName(node)
      ? [node.left, node.right]
      : []
  return member?.text === name && ts.isIdentifier(module) && local.get(module.text)?.module === "effect/Effect"
}

/** The call of `Effect.gen` that an arrow function returns; undefined if it returns something else. */
const genOf = ({ body }, local) =>
  ts.isCallExpression(body) && isOfEffect(body.expression, "gen", local) ? body : undefined

const isEffectType = (type, local) => ts.isTypeReferenceNode(type) && isOfEffect(type.typeName, "Effect", local)

/**
 * Makes the edits for an arrow function, and returns the node `Effect.gen` that they replace;
 * undefined if it is no such function. The types of its parameters must be written out: a generator
 * has no context to take them from.
 */
export const asEffectFunction = (arrow, local, edits) => {
  const gen = genOf(arrow, local)
  const { type, parameters, typeParameters } = arrow
  const isNamed = ts.isVariableDeclaration(arrow.parent) && arrow.parent.type === undefined
  if (gen?.arguments.length !== 1 || !isNamed || typeParameters !== undefined) return undefined
  if (parameters.some((parameter) => parameter.type === undefined && parameter.initializer === undefined))
    return undefined
  if (type !== undefined && !isEffectType(type, local)) return undefined
  const { body } = gen.arguments[0]
  edits.insert(arrow.getStart(), "Effect.fnUntraced(function* ")
  if (type !== undefined) edits.replace(type.typeName.right.getStart(), type.typeName.right.end, "fn.Return")
  edits.replace(arrow.equalsGreaterThanToken.getStart(), body.getStart(), "")
  return gen.expression
}
