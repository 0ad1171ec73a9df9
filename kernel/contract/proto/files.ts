import { fingerprint } from "../codec/ahead.ts";
import { layoutOf, reachable } from "../codec/layout.ts";
import { ContractError } from "../message.ts";
import { isOpaque } from "../opaque.ts";
import type { EnumType, MessageType, ServiceType, TopicType } from "../types.ts";
import { localName, packageOf, simpleName } from "./names.ts";

/** Anything a contract module exports. */
export type Contract = MessageType | EnumType | ServiceType | TopicType;

/** A message with what is declared inside it. */
export interface MessageNode {
  readonly type: MessageType;
  readonly messages: readonly MessageNode[];
  readonly enums: readonly EnumType[];
}

/** One `.proto` file, as data: what printers and descriptors are made from. Everything is in order of name. */
export interface ProtoFile {
  /** `shop/order/v1/order.proto`. */
  readonly path: string;
  readonly package: string;
  /** Paths of the files it imports, in order. */
  readonly imports: readonly string[];
  readonly services: readonly ServiceType[];
  readonly messages: readonly MessageNode[];
  readonly enums: readonly EnumType[];
}

type Declared = MessageType | EnumType | ServiceType;

/**
 * The files that declare these contracts and all they refer to, imported files before those that import them.
 * Messages whose fields are not known here, and services that use them, are left out.
 * Throws a ContractError for two declarations of one name and for packages that import each other.
 */
export function protoFilesOf(contracts: Iterable<Contract>): ProtoFile[] {
  const byPath = Map.groupBy(declarations(contracts), ({ name }) => pathOf(name));
  const files = [...byPath].map(([path, declared]) => fileOf(path, declared));
  return inOrder(new Map(files.map((file) => [file.path, file])));
}

/** The file that declares a name: one per package, named after it; Google's own are where Google has them. */
export function pathOf(fullName: string): string {
  const owner = packageOf(fullName);
  const parts = owner.split(".");
  const known = owner === "google.protobuf" ? googleFiles[localName(fullName).split(".")[0] ?? ""] : undefined;
  if (known) return `google/protobuf/${known}.proto`;
  const base = parts.findLast((part) => !/^v\d+/.test(part)) ?? owner;
  return owner === "" ? "contract.proto" : `${parts.join("/")}/${base}.proto`;
}

const googleFiles: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  Timestamp: "timestamp",
  Duration: "duration",
  Empty: "empty",
  Any: "any",
  FieldMask: "field_mask",
  Struct: "struct",
  Value: "struct",
  ListValue: "struct",
  NullValue: "struct",
  ...Object.fromEntries(
    ["Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes"].map((kind) => [
      `${kind}Value`,
      "wrappers",
    ]),
  ),
});

function declarations(contracts: Iterable<Contract>): Declared[] {
  const services: ServiceType[] = [];
  const messages: MessageType[] = [];
  const enums: EnumType[] = [];
  for (const contract of contracts) {
    if (contract.kind === "service" && !usesOpaque(contract)) {
      services.push(contract);
      messages.push(...Object.values(contract.methods).flatMap(({ input, output }) => [input, output]));
    }
    if (contract.kind === "message") messages.push(contract);
    if (contract.kind === "topic") messages.push(contract.message);
    if (contract.kind === "enum") enums.push(contract);
  }
  const known = reachable(messages.filter((type) => !isOpaque(type)));
  enums.push(...known.flatMap((type) => layoutOf(type).fields.flatMap((field) => field.enum ?? [])));
  return [...unique(services), ...unique(known), ...unique(enums)].toSorted(byName);
}

const usesOpaque = ({ methods }: ServiceType): boolean =>
  Object.values(methods).some(({ input, output }) => isOpaque(input) || isOpaque(output));

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;

/** One of each name; two that differ are a mistake. */
function unique<T extends Declared>(declared: readonly T[]): T[] {
  const byName = new Map<string, T>();
  for (const one of declared) {
    const other = byName.get(one.name);
    if (other && other !== one && !same(other, one))
      throw new ContractError(`${one.kind} ${one.name} is declared twice, and differently`);
    byName.set(one.name, other ?? one);
  }
  return [...byName.values()];
}

function same(a: Declared, b: Declared): boolean {
  if (a.kind === "message" && b.kind === "message") return fingerprint(a) === fingerprint(b);
  if (a.kind === "enum" && b.kind === "enum") return JSON.stringify(a.values) === JSON.stringify(b.values);
  return false;
}

function fileOf(path: string, declared: readonly Declared[]): ProtoFile {
  const messages = declared.filter((one) => one.kind === "message");
  const enums = declared.filter((one) => one.kind === "enum");
  const services = declared.filter((one) => one.kind === "service");
  const owner = packageOf(declared[0]?.name ?? "");
  const node = (type: MessageType): MessageNode => ({
    type,
    messages: messages.filter(({ name }) => outer(name) === type.name).map(node),
    enums: enums.filter(({ name }) => outer(name) === type.name),
  });
  const top = ({ name }: Declared) => outer(name) === owner;
  for (const one of [...messages, ...enums])
    if (!top(one) && !messages.some(({ name }) => name === outer(one.name)))
      throw new ContractError(`${one.kind} ${one.name}: there is no message ${outer(one.name)} it could stand in`);
  return {
    path,
    package: owner,
    imports: importsOf(path, messages, services),
    services,
    messages: messages.filter(top).map(node),
    enums: enums.filter(top),
  };
}

const outer = (name: string): string => name.slice(0, Math.max(0, name.length - simpleName(name).length - 1));

function importsOf(path: string, messages: readonly MessageType[], services: readonly ServiceType[]): string[] {
  const used = messages.flatMap((type) => layoutOf(type).fields.flatMap((field) => field.message ?? field.enum ?? []));
  const sides = services.flatMap(({ methods }) =>
    Object.values(methods).flatMap(({ input, output }) => [input, output]),
  );
  const paths = new Set([...used, ...sides].map(({ name }) => pathOf(name)));
  paths.delete(path);
  return [...paths].toSorted();
}

function inOrder(files: ReadonlyMap<string, ProtoFile>): ProtoFile[] {
  const done = new Set<ProtoFile>();
  const visit = (path: string, trail: readonly string[]) => {
    const file = files.get(path);
    if (!file || done.has(file)) return;
    if (trail.includes(path))
      throw new ContractError(`packages import each other: ${[...trail.slice(trail.indexOf(path)), path].join(" → ")}`);
    for (const each of file.imports) visit(each, [...trail, path]);
    done.add(file);
  };
  for (const path of [...files.keys()].toSorted()) visit(path, []);
  return [...done];
}
