import ts from "typescript";

/** One import or re-export as a file writes it. */
export interface Import {
  /** As written: `./x.ts`, `node:fs`, `@mortise/kernel`. */
  readonly specifier: string;
  /** Whether nothing of it is left when types are stripped. */
  readonly typeOnly: boolean;
  /** Whether it is loaded only when that place runs: `import("…")`. */
  readonly lazy: boolean;
}

/** All imports of a source text: static, dynamic, re-exports and `import("…")` types. */
export function importsOf(file: string, text: string): Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    const one = importOf(node);
    if (one) found.push(one);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest));
  return found;
}

function importOf(node: ts.Node): Import | undefined {
  if (ts.isImportDeclaration(node)) return make(node.moduleSpecifier, node.importClause?.isTypeOnly ?? false);
  if (ts.isExportDeclaration(node)) return make(node.moduleSpecifier, node.isTypeOnly);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return make(node.argument.literal, true);
  const dynamic = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  return dynamic ? make(node.arguments[0], false, true) : undefined;
}

function make(specifier: ts.Node | undefined, typeOnly: boolean, lazy = false): Import | undefined {
  return specifier && ts.isStringLiteralLike(specifier) ? { specifier: specifier.text, typeOnly, lazy } : undefined;
}

/** Uses of names such as `Date.now` or `setTimeout` in a source text, called or not, by line. */
export function usesOf(file: string, text: string, names: ReadonlySet<string>): { name: string; line: number }[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: { name: string; line: number }[] = [];
  const visit = (node: ts.Node): void => {
    const name = usedName(node);
    if (name !== undefined && names.has(name)) {
      found.push({ name, line: source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** `Math.random` of a property access, `setTimeout` of a free name; nothing of a name that is only declared or a property. */
function usedName(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node)) {
    const owner = ts.isIdentifier(node.expression) ? node.expression.text : undefined;
    if (owner === "globalThis") return node.name.text;
    return owner && `${owner}.${node.name.text}`;
  }
  if (ts.isNewExpression(node) && ts.isIdentifier(node.expression)) {
    return node.arguments?.length ? undefined : `new ${node.expression.text}()`;
  }
  if (!ts.isIdentifier(node)) return undefined;
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node ? node.text : undefined;
  if (ts.isImportSpecifier(parent)) return (parent.propertyName ?? parent.name) === node ? node.text : undefined;
  const named = parent as { name?: ts.Node };
  return named.name === node ? undefined : node.text;
}
