// Rewrites a TypeScript source that is written for Effect 3 into the same source for Effect 4.
//
// The rules (rules/) name modules and their members. A member is found through the import of its
// module, so a function of the file that has the same name stays as it is. The rewritten text is not
// formatted.
import ts from "typescript"
import { asEffectFunction } from "./effectFunctions.mjs"
import { barrelOf, instanceMembers, members, moduleFor4 } from "./rules/index.mjs"

/** Collects edits of a text. They do not overlap. */
class Edits {
  #edits = []

  replace(start, end, text) {
    this.#edits.push({ start, end, text, order: this.#edits.length })
  }

  insert(at, text) {
    this.replace(at, at, text)
  }

  /** Returns the text with all edits. What is inserted comes before what is replaced at the same place. */
  apply(text) {
    const lastFirst = this.#edits.sort((a, b) => b.start - a.start || b.end - a.end || b.order - a.order)
    for (const edit of lastFirst) text = text.slice(0, edit.start) + edit.text + text.slice(edit.end)
    return text
  }
}

/** The name by which a file imports a module: the last part of the specifier. */
const localName = (specifier) =>
  specifier === "fast-check" ? "FastCheck" : specifier.slice(specifier.lastIndexOf("/") + 1)
/** The name that a file gives to a module, if it is another one. */
const aliasOf = (name, specifier) => (name === localName(specifier) ? undefined : name)
const isEffect = (specifier) =>
  specifier === "effect" || specifier.startsWith("effect/") || specifier.startsWith("@effect/")

/** The modules that a file imports as a whole, by their local names. `Effect` is effect/Effect, from a barrel too. */
const readModules = (file) => {
  const local = new Map()
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement) || !isEffect(statement.moduleSpecifier.text)) continue
    const bindings = statement.importClause?.namedBindings
    const specifier = statement.moduleSpecifier.text
    if (bindings === undefined) continue
    if (ts.isNamespaceImport(bindings)) {
      const name = bindings.name.text
      local.set(name, { module: specifier, barrel: false, alias: aliasOf(name, specifier) })
    } else if (/^(effect|@effect\/(platform|platform-node|cli|rpc|cluster|workflow))$/.test(specifier)) {
      for (const { name, propertyName } of bindings.elements) {
        local.set(name.text, { module: `${specifier}/${(propertyName ?? name).text}`, barrel: true })
      }
    }
  }
  return local
}

/** Where the name of an imported module is used: as a type only, or as a value. */
const isTypePosition = (node) => {
  for (let at = node; at !== undefined; at = at.parent) {
    if (ts.isExpressionWithTypeArguments(at))
      return (
        !ts.isHeritageClause(at.parent) ||
        at.parent.token !== ts.SyntaxKind.ExtendsKeyword ||
        ts.isInterfaceDeclaration(at.parent.parent)
      )
    if (ts.isTypeNode(at)) return true
    if (ts.isExpression(at) && !ts.isIdentifier(at)) return false
    if (ts.isStatement(at)) return false
  }
  return false
}

/** Returns whether an identifier stands for a variable, and is not the name of a property, a parameter or the like. */
const isReference = ({ parent }, node) => {
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node
  if (ts.isQualifiedName(parent)) return parent.left === node
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node
  return !(
    ts.isImportSpecifier(parent) ||
    ts.isNamespaceImport(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isMethodDeclaration(parent) ||
    ts.isPropertyDeclaration(parent) ||
    (ts.isClassDeclaration(parent) && parent.name === node) ||
    (ts.isInterfaceDeclaration(parent) && parent.name === node) ||
    (ts.isTypeAliasDeclaration(parent) && parent.name === node) ||
    (ts.isVariableDeclaration(parent) && parent.name === node) ||
    (ts.isParameter(parent) && parent.name === node)
  )
}

/** Returns whether a member was declared by Effect, as far as the types are known. */
const isOfEffect = (checker, name) => {
  if (checker === undefined) return true
  const declaration = checker.getSymbolAtLocation(name)?.declarations?.[0]
  return declaration !== undefined && /node_modules\/@?effect\//.test(declaration.getSourceFile().fileName)
}

/** Returns the text of a program for Effect 4, such as one of a page. Its types are not known. */
export const rewriteText = (text) =>
  rewriteFile(ts.createSourceFile("program.ts", text, ts.ScriptTarget.Latest, true), undefined)

/**
 * Returns the text of a file for Effect 4.
 *
 * @param {ts.SourceFile} file TypeScript for Effect 3, with the parents of nodes
 * @param {ts.TypeChecker | undefined} checker the types of the program that the file belongs to
 */
export const rewriteFile = (file, checker) => {
  const source = file.text
  const local = readModules(file)
  const edits = new Edits()
  /** The modules that the rewritten file imports: by specifier, with whether a value is used, and from the barrel. */
  const used = new Map()
  const isBarrel = [...local.values()].some(({ barrel }) => barrel)
  const use = (specifier, isValue, fromBarrel = isBarrel, alias = undefined) => {
    const key = alias === undefined ? specifier : `${specifier} as ${alias}`
    const entry = used.get(key) ?? { specifier, isValue: false, fromBarrel, alias }
    entry.isValue ||= isValue
    used.set(key, entry)
    return alias ?? localName(specifier)
  }

  const dropped = new Set()

  const visit = (node) => {
    if (dropped.has(node)) return
    if (ts.isArrowFunction(node)) {
      const generator = asEffectFunction(node, local, edits)
      if (generator !== undefined) {
        use("effect/Effect", true)
        dropped.add(generator)
      }
    }
    if (ts.isImportDeclaration(node)) {
      const specifier = node.moduleSpecifier.text
      const bindings = node.importClause?.namedBindings
      if (bindings !== undefined && isEffect(specifier)) {
        const whole = ts.isNamespaceImport(bindings) || bindings.elements.some(({ name }) => local.has(name.text))
        if (!whole) renameImport(node, specifier, edits)
        else edits.replace(node.getStart(), source[node.end] === "\n" ? node.end + 1 : node.end, "")
      }
      return
    }
    if (ts.isPropertyAccessExpression(node)) {
      const { name } = node
      const to = Object.hasOwn(instanceMembers, name.text) ? instanceMembers[name.text] : undefined
      if (to !== undefined && !local.has(node.expression.getText()) && isOfEffect(checker, name))
        edits.replace(name.getStart(), name.end, to)
    }
    if (ts.isIdentifier(node) && local.has(node.text) && isReference(node, node)) rewriteReference(node)
    ts.forEachChild(node, visit)
  }

  const rewriteReference = (node) => {
    const { module, barrel, alias } = local.get(node.text)
    const { parent } = node
    const target = moduleFor4(module)
    const isValue = !isTypePosition(node)
    const member = ts.isPropertyAccessExpression(parent)
      ? parent.name
      : ts.isQualifiedName(parent)
        ? parent.right
        : undefined
    const rule = member === undefined ? undefined : members[module]?.[member.text]
    const rename = (specifier, to) => {
      const name = use(specifier, isValue, barrel, specifier === target ? alias : undefined)
      if (name !== node.text) edits.replace(node.getStart(), node.end, name)
      if (member !== undefined && to !== undefined && to !== member.text)
        edits.replace(member.getStart(), member.end, to)
    }
    if (rule === undefined) rename(target)
    else if (typeof rule === "string") {
      const [specifier, to] = rule.includes("#") ? rule.split("#") : [target, rule]
      rename(specifier, to)
    } else
      rule({
        node,
        member,
        access: parent,
        call: ts.isCallExpression(parent.parent) && parent.parent.expression === parent ? parent.parent : undefined,
        edits,
        rename,
        drop: (nodes) => {
          for (const node of nodes) dropped.add(node)
        },
        source,
        target,
        use
      })
  }

  visit(file)
  const lines = importLines(used)
  const first = file.statements.find((s) => ts.isImportDeclaration(s) && isEffect(s.moduleSpecifier.text))
  if (first !== undefined && lines.length > 0) edits.insert(first.getStart(), `${lines.join("\n")}\n`)
  return rewriteComments(edits.apply(source)).replace(/(@since )3\./g, "$14.")
}

/** An import of names out of one module. */
const renameImport = (node, specifier, edits) => {
  const target = moduleFor4(specifier)
  if (target !== specifier) edits.replace(node.moduleSpecifier.getStart() + 1, node.moduleSpecifier.end - 1, target)
}

const importLines = (used) => {
  const barrels = new Map()
  const lines = []
  for (const [, { specifier, isValue, fromBarrel, alias }] of [...used].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const barrel = fromBarrel ? barrelOf(specifier) : undefined
    if (barrel === undefined)
      lines.push(`import ${isValue ? "" : "type "}* as ${alias ?? localName(specifier)} from "${specifier}"`)
    else barrels.set(barrel, [...(barrels.get(barrel) ?? []), { name: localName(specifier), isValue }])
  }
  for (const [barrel, list] of barrels) {
    const typeOnly = list.every(({ isValue }) => !isValue)
    const elements = list.map(({ name, isValue }) => (isValue || typeOnly ? name : `type ${name}`))
    lines.push(`import ${typeOnly ? "type " : ""}{ ${elements.join(", ")} } from "${barrel}"`)
  }
  return lines
}

/** Rewrites the programs in comments, between ```ts and ```. */
const rewriteComments = (text) =>
  text.replace(/^( *\* )```ts\n([\s\S]*?)^ *\* ```$/gm, (_, prefix, body) => {
    const lines = body.split("\n").map((line) => line.slice(prefix.length))
    const program = rewriteText(lines.join("\n")).trimEnd()
    return [
      `${prefix}\`\`\`ts`,
      ...program.split("\n").map((line) => `${prefix}${line}`.trimEnd()),
      `${prefix}\`\`\``
    ].join("\n")
  })
