import { type FieldLayout, layoutOf } from "../codec/layout.ts";
import type { EnumType, MessageType, Method, ServiceType } from "../types.ts";
import { type Contract, type MessageNode, type ProtoFile, protoFilesOf } from "./files.ts";
import { enumValueName, localName, packageOf, simpleName, snakeCase } from "./names.ts";

/** The first line of every file written; a file without it is nobody's but its author's. */
export const generatedMark = "// Written by `mortise proto`. Change the TypeScript contract instead.";

/**
 * The `.proto` files of these contracts and all they refer to, by path. Google's own files are imported, not written.
 * The order of declarations does not change the text, nor does it hold more than a lint or compatibility check needs.
 */
export function protoFiles(contracts: Iterable<Contract>): Map<string, string> {
  const files = protoFilesOf(contracts).filter(({ package: owner }) => owner !== "google.protobuf");
  return new Map(files.map((file) => [file.path, printProto(file)]));
}

/** The text of one `.proto` file, in the layout of `buf format`. */
export function printProto(file: ProtoFile): string {
  const scope = fileScope(file);
  const imports = file.imports.map((path) => `import "${path}";`).join("\n");
  return [
    `${generatedMark}\nsyntax = "proto3";`,
    ...(file.package === "" ? [] : [`package ${file.package};`]),
    ...(imports === "" ? [] : [imports]),
    ...file.services.map((service) => printService(service, scope)),
    ...file.messages.map((node) => printMessage(node, scope).join("\n")),
    ...file.enums.map((type) => printEnum(type).join("\n")),
  ]
    .join("\n\n")
    .concat("\n");
}

/** Where a type is named: what is declared there may hide what is meant. */
interface Scope {
  readonly package: string;
  /** Names declared in this place and the packages around it. */
  readonly hiding: ReadonlySet<string>;
}

function fileScope({ package: owner, imports }: ProtoFile): Scope {
  const packages = [owner, ...imports.map((path) => path.split("/").slice(0, -1).join("."))];
  return { package: owner, hiding: new Set(packages.flatMap((name) => name.split(".").slice(1))) };
}

const within = (scope: Scope, names: readonly string[]): Scope => ({
  ...scope,
  hiding: scope.hiding.union(new Set(names)),
});

/** A type's name: short within its package, with a leading dot where something hides it. */
function reference(name: string, scope: Scope): string {
  const short = packageOf(name) === scope.package ? localName(name) : name;
  return scope.hiding.has(short.split(".")[0] ?? "") ? `.${name}` : short;
}

const indent = (lines: readonly string[]): string[] => lines.map((line) => (line === "" ? line : `  ${line}`));

function block(head: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [`${head} {}`] : [`${head} {`, ...indent(lines), "}"];
}

function printService({ name, methods }: ServiceType, outer: Scope): string {
  const all = Object.values(methods);
  const scope = within(
    outer,
    all.map(({ wireName }) => wireName),
  );
  return block(
    `service ${simpleName(name)}`,
    all.flatMap((method) => printMethod(method, scope)),
  ).join("\n");
}

function printMethod({ wireName, kind, input, output, facts }: Method, scope: Scope): string[] {
  const side = (type: MessageType, streams: boolean) => `(${streams ? "stream " : ""}${reference(type.name, scope)})`;
  const takes = side(input, kind === "client-stream" || kind === "bidi-stream");
  const gives = side(output, kind === "server-stream" || kind === "bidi-stream");
  const head = `rpc ${wireName}${takes} returns ${gives}`;
  if (!facts.idempotent) return [`${head};`];
  return block(head, [`option idempotency_level = ${facts.readOnly ? "NO_SIDE_EFFECTS" : "IDEMPOTENT"};`]);
}

function printMessage(node: MessageNode, outer: Scope): string[] {
  const { units, fields } = layoutOf(node.type);
  const inner = [...node.messages.map(({ type }) => type), ...node.enums].map(({ name }) => simpleName(name));
  const scope = within(outer, [...inner, ...fields.map(({ name }) => name)]);
  const lines = units.flatMap((unit) =>
    unit.kind === "oneof"
      ? block(
          `oneof ${snakeCase(unit.name)}`,
          unit.members.map((field) => printField(field, scope)),
        )
      : [printField(unit, scope)],
  );
  const nested = [...node.messages.map((each) => printMessage(each, scope)), ...node.enums.map(printEnum)];
  return block(`message ${simpleName(node.type.name)}`, [
    ...lines,
    ...nested.flatMap((each, i) => (i + lines.length === 0 ? each : ["", ...each])),
  ]);
}

function printField(layout: FieldLayout, scope: Scope): string {
  const { name, number, key, scalar, kind, field } = layout;
  const target = layout.enum ?? layout.message;
  const type = target ? reference(target.name, scope) : (scalar ?? "");
  const declared = kind === "map" ? `map<${key}, ${type}>` : kind === "list" ? `repeated ${type}` : type;
  const visible = kind === "single" && scalar && field.presence !== "implicit" && field.oneof === undefined;
  return `${visible ? "optional " : ""}${declared} ${field.protoName ?? snakeCase(name)} = ${number};`;
}

function printEnum(type: EnumType): string[] {
  return block(
    `enum ${simpleName(type.name)}`,
    Object.entries(type.values).map(([value, number]) => `${enumValueName(type, value)} = ${number};`),
  );
}
