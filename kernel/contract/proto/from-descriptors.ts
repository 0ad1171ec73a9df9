import { codecOf } from "../codec/codec.ts";
import { ContractError, maxFieldNumber } from "../message.ts";
import type {
  EnumType,
  Field,
  MapKey,
  MessageType,
  Method,
  Presence,
  Scalar,
  ServiceType,
  ValueType,
} from "../types.ts";
import {
  type EnumDescriptor,
  type FieldDescriptor,
  type FileDescriptor,
  FileDescriptorSet,
  fieldTypes,
  labels,
  type MessageDescriptor,
  type MethodDescriptor,
  scalarTypes,
} from "./descriptor.ts";
import { jsonName, snakeCase, upperSnakeCase } from "./names.ts";

/** Contracts read from descriptors, by full name. */
export interface ForeignContracts {
  readonly services: ReadonlyMap<string, ServiceType>;
  readonly messages: ReadonlyMap<string, MessageType>;
  readonly enums: ReadonlyMap<string, EnumType>;
}

interface Building {
  readonly services: Map<string, ServiceType>;
  readonly messages: Map<string, MessageType>;
  readonly enums: Map<string, EnumType>;
  /** Messages that are the entries of maps. */
  readonly entries: Map<string, MessageDescriptor>;
}

/** What a file says about all its fields. */
interface Scope {
  readonly prefix: string;
  readonly syntax: "proto2" | "proto3" | "editions";
  /** The feature FIELD_PRESENCE: EXPLICIT is 1, IMPLICIT 2, LEGACY_REQUIRED 3. */
  readonly presence: number;
}

/**
 * Contracts of somebody else's, from an encoded google.protobuf.FileDescriptorSet as `buf build` and gRPC reflection give
 * it (proto2, proto3, editions). Groups and extensions are left out, so they are skipped when read.
 * Throws a StatusError INVALID_ARGUMENT when the bytes are not one, and a ContractError when a type is used that it does
 * not declare.
 */
export function contractsFromDescriptors(set: Uint8Array): ForeignContracts {
  const found: Building = { services: new Map(), messages: new Map(), enums: new Map(), entries: new Map() };
  const { file: files } = codecOf(FileDescriptorSet).decode(set);
  for (const file of files) declareTypes(found, file);
  for (const file of files)
    for (const service of file.service) {
      const name = inside(file.package ?? "", service.name);
      const methods = service.method.map((method) => readMethod(found, name, method));
      found.services.set(
        name,
        Object.freeze({ kind: "service", name, methods: Object.freeze(Object.fromEntries(methods)) }),
      );
    }
  return found;
}

const inside = (prefix: string, name = ""): string => (prefix === "" ? name : `${prefix}.${name}`);

function declareTypes(found: Building, file: FileDescriptor): void {
  const syntax = file.syntax === "proto3" || file.syntax === "editions" ? file.syntax : "proto2";
  const scope: Scope = { prefix: file.package ?? "", syntax, presence: file.options?.features?.fieldPresence ?? 1 };
  for (const type of file.enumType) declareEnum(found, scope.prefix, type);
  for (const type of file.messageType) declareMessage(found, scope, type);
}

function declareEnum(found: Building, prefix: string, descriptor: EnumDescriptor): void {
  const name = inside(prefix, descriptor.name);
  const start = `${upperSnakeCase(descriptor.name ?? "")}_`;
  const prefixed = descriptor.value.every((value) => value.name?.startsWith(start) && value.name.length > start.length);
  const values = descriptor.value.map(({ name = "", number = 0 }) => [
    prefixed ? name.slice(start.length) : name,
    number,
  ]);
  const type: EnumType = { kind: "enum", name, values: Object.freeze(Object.fromEntries(values)) };
  found.enums.set(name, Object.freeze(prefixed ? type : { ...type, unprefixed: true }));
}

function declareMessage(found: Building, outer: Scope, descriptor: MessageDescriptor): void {
  const name = inside(outer.prefix, descriptor.name);
  const scope = { ...outer, prefix: name, presence: descriptor.options?.features?.fieldPresence ?? outer.presence };
  if (descriptor.options?.mapEntry) {
    found.entries.set(name, descriptor);
    return;
  }
  for (const type of descriptor.enumType) declareEnum(found, name, type);
  for (const type of descriptor.nestedType) declareMessage(found, scope, type);
  const readable = descriptor.field.filter(({ type }) => type !== fieldTypes.group);
  const fields = readable.map((field) => Object.freeze(readField(found, scope, descriptor, field)));
  checkNumbers(name, fields);
  const oneofs = [...new Set(fields.flatMap(({ oneof }) => oneof ?? []))];
  const type: MessageType = { kind: "message", name, fields: Object.freeze(fields), oneofs: Object.freeze(oneofs) };
  found.messages.set(name, Object.freeze(type));
}

function checkNumbers(message: string, fields: readonly Field[]): void {
  const seen = new Set<number>();
  for (const { name, number } of fields) {
    if (number < 1 || number > maxFieldNumber || seen.has(number))
      throw new ContractError(`message ${message}, field ${name}: number ${number} is used twice or out of range`);
    seen.add(number);
  }
}

function readField(found: Building, scope: Scope, owner: MessageDescriptor, field: FieldDescriptor): Field {
  const snake = field.name ?? "";
  const name = field.jsonName ?? jsonName(snake);
  const entry = field.type === fieldTypes.message ? found.entries.get(fullName(field)) : undefined;
  const key = entry?.field.find(({ number }) => number === 1);
  const item = entry?.field.find(({ number }) => number === 2) ?? field;
  const oneof = field.proto3Optional ? undefined : owner.oneofDecl[field.oneofIndex ?? -1]?.name;
  const repeated = field.label === labels.repeated;
  return {
    name,
    number: field.number ?? 0,
    type: valueType(found, `${scope.prefix}.${snake}`, item),
    presence: repeated ? "implicit" : oneof === undefined ? presenceOf(scope, field) : "optional",
    repeated: repeated && !key,
    mapKey: key ? (scalarOf(key) as MapKey) : undefined,
    oneof: oneof === undefined ? undefined : jsonName(oneof),
    sensitive: field.options?.debugRedact ?? false,
    ...(snakeCase(name) === snake ? {} : { protoName: snake }),
  };
}

function presenceOf({ syntax, presence }: Scope, field: FieldDescriptor): Presence {
  const said = field.options?.features?.fieldPresence ?? presence;
  if (field.label === labels.required || (syntax === "editions" && said === 3)) return "required";
  if (field.type === fieldTypes.message || field.proto3Optional) return "optional";
  return syntax === "proto3" || (syntax === "editions" && said === 2) ? "implicit" : "optional";
}

const fullName = ({ typeName = "" }: FieldDescriptor): string => typeName.replace(/^\./, "");

const scalarOf = ({ type }: FieldDescriptor): Scalar | undefined =>
  (Object.keys(scalarTypes) as (keyof typeof scalarTypes)[]).find((scalar) => scalarTypes[scalar] === type);

function valueType(found: Building, user: string, field: FieldDescriptor): ValueType {
  const scalar = scalarOf(field);
  if (scalar) return { kind: "scalar", scalar };
  const name = fullName(field);
  if (field.type === fieldTypes.enum) return { kind: "enum", enum: () => known(found.enums, name, user) };
  return { kind: "message", message: () => known(found.messages, name, user) };
}

function known<T>(types: ReadonlyMap<string, T>, name: string, user: string): T {
  const type = types.get(name);
  if (!type) throw new ContractError(`${user} refers to ${name}, which the descriptors do not declare`);
  return type;
}

function readMethod(found: Building, service: string, descriptor: MethodDescriptor): [string, Method] {
  const wireName = descriptor.name ?? "";
  const name = wireName.charAt(0).toLowerCase() + wireName.slice(1);
  const path = `${service}/${wireName}`;
  const { clientStreaming = false, serverStreaming = false } = descriptor;
  const level = descriptor.options?.idempotencyLevel;
  const method: Method = {
    service,
    name,
    wireName,
    path,
    kind: clientStreaming
      ? serverStreaming
        ? "bidi-stream"
        : "client-stream"
      : serverStreaming
        ? "server-stream"
        : "unary",
    input: known(found.messages, descriptor.inputType?.replace(/^\./, "") ?? "", path),
    output: known(found.messages, descriptor.outputType?.replace(/^\./, "") ?? "", path),
    facts: Object.freeze({ readOnly: level === 1, idempotent: level === 1 || level === 2, criticality: "normal" }),
  };
  return [name, Object.freeze(method)];
}
