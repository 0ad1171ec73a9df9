import { codecOf } from "../codec/codec.ts";
import { type FieldLayout, layoutOf } from "../codec/layout.ts";
import type { EnumType, Method, Scalar } from "../types.ts";
import {
  type EnumDescriptor,
  type FieldDescriptor,
  type FileDescriptor,
  FileDescriptorSet,
  type FileOptions,
  fieldTypes,
  labels,
  type MessageDescriptor,
  type MethodDescriptor,
  scalarTypes,
} from "./descriptor.ts";
import { type Contract, type MessageNode, type ProtoFile, protoFilesOf } from "./files.ts";
import { enumValueName, jsonName, simpleName, snakeCase } from "./names.ts";

/**
 * An encoded google.protobuf.FileDescriptorSet that declares these contracts and all they refer to, imported files
 * first: what gRPC reflection answers with, and tools like `buf` and `grpcurl` read.
 */
export function fileDescriptorSet(contracts: Iterable<Contract>): Uint8Array {
  return codecOf(FileDescriptorSet).encode({ file: protoFilesOf(contracts).map(fileDescriptor) });
}

function fileDescriptor(file: ProtoFile): FileDescriptor {
  return {
    name: file.path,
    package: file.package === "" ? undefined : file.package,
    dependency: file.imports,
    messageType: file.messages.map(messageDescriptor),
    enumType: file.enums.map(enumDescriptor),
    service: file.services.map(({ name, methods }) => ({
      name: simpleName(name),
      method: Object.values(methods).map(methodDescriptor),
    })),
    options: file.package === "google.protobuf" ? googleOptions(file.path) : undefined,
    syntax: "proto3",
  };
}

/** Google's own options, so that clients that already know the file see no other version of it. */
function googleOptions(path: string): FileOptions {
  const snake = simpleName(path.slice(0, -".proto".length).replaceAll("/", "."));
  const pascal = jsonName(`_${snake}`);
  return {
    javaPackage: "com.google.protobuf",
    javaOuterClassname: `${pascal}Proto`,
    javaMultipleFiles: true,
    goPackage: `google.golang.org/protobuf/types/known/${snake.replaceAll("_", "")}pb`,
    ccEnableArenas: true,
    objcClassPrefix: "GPB",
    csharpNamespace: "Google.Protobuf.WellKnownTypes",
  };
}

function methodDescriptor({ wireName, kind, input, output, facts }: Method): MethodDescriptor {
  const level = facts.readOnly ? 1 : facts.idempotent ? 2 : undefined;
  return {
    name: wireName,
    inputType: `.${input.name}`,
    outputType: `.${output.name}`,
    options: level === undefined ? undefined : { idempotencyLevel: level },
    clientStreaming: kind === "client-stream" || kind === "bidi-stream" ? true : undefined,
    serverStreaming: kind === "server-stream" || kind === "bidi-stream" ? true : undefined,
  };
}

function enumDescriptor(type: EnumType): EnumDescriptor {
  return {
    name: simpleName(type.name),
    value: Object.entries(type.values).map(([value, number]) => ({ name: enumValueName(type, value), number })),
  };
}

function messageDescriptor({ type, messages, enums }: MessageNode): MessageDescriptor {
  const { units } = layoutOf(type);
  const fields = units.flatMap((unit) => (unit.kind === "oneof" ? unit.members : [unit]));
  const oneofs = units.filter((unit) => unit.kind === "oneof").map(({ name }) => name);
  const alone = fields.filter(isVisible).map(({ name }) => `_${snakeCase(name)}`);
  const indexOf = (field: FieldLayout) =>
    field.field.oneof !== undefined
      ? oneofs.indexOf(field.field.oneof)
      : isVisible(field)
        ? oneofs.length + alone.indexOf(`_${snakeCase(field.name)}`)
        : undefined;
  return {
    name: simpleName(type.name),
    field: fields.map((field) => fieldDescriptor(field, type.name, indexOf(field))),
    nestedType: [...fields.filter(({ kind }) => kind === "map").map(mapEntry), ...messages.map(messageDescriptor)],
    enumType: enums.map(enumDescriptor),
    oneofDecl: [...oneofs.map(snakeCase), ...alone].map((name) => ({ name })),
  };
}

/** proto3's `optional`: it stands in a oneof of its own. */
const isVisible = ({ kind, scalar, field }: FieldLayout): boolean =>
  kind === "single" && scalar !== undefined && field.presence !== "implicit" && field.oneof === undefined;

function fieldDescriptor(layout: FieldLayout, owner: string, oneofIndex: number | undefined): FieldDescriptor {
  const { name, number, kind, field } = layout;
  const snake = field.protoName ?? snakeCase(name);
  return {
    name: snake,
    number,
    label: kind === "single" ? labels.optional : labels.repeated,
    ...(kind === "map" ? { type: fieldTypes.message, typeName: `.${owner}.${entryName(layout)}` } : typeOf(layout)),
    oneofIndex,
    jsonName: jsonName(snake),
    proto3Optional: isVisible(layout) ? true : undefined,
    options: field.sensitive ? { debugRedact: true } : undefined,
  };
}

function typeOf({ scalar, message, enum: enumeration }: FieldLayout): Pick<FieldDescriptor, "type" | "typeName"> {
  if (enumeration) return { type: fieldTypes.enum, typeName: `.${enumeration.name}` };
  if (message) return { type: fieldTypes.message, typeName: `.${message.name}` };
  return { type: scalarTypes[scalar as Scalar] };
}

/** protoc's name for the message a map's entries are. */
const entryName = ({ name, field }: FieldLayout): string => {
  const camel = jsonName(`_${field.protoName ?? snakeCase(name)}`);
  return `${camel}Entry`;
};

function mapEntry(layout: FieldLayout): MessageDescriptor {
  const part = (name: string, number: number, type: Pick<FieldDescriptor, "type" | "typeName">): FieldDescriptor => ({
    name,
    number,
    label: labels.optional,
    ...type,
    jsonName: name,
  });
  return {
    name: entryName(layout),
    field: [part("key", 1, { type: scalarTypes[layout.key as Scalar] }), part("value", 2, typeOf(layout))],
    nestedType: [],
    enumType: [],
    oneofDecl: [],
    options: { mapEntry: true },
  };
}
