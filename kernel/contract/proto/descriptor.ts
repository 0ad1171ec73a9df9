// The part of google/protobuf/descriptor.proto that contracts can express; the rest is skipped when read.
import { bool, field, int32, optional, repeated, string } from "../fields.ts";
import { message } from "../message.ts";
import type { Infer, MessageType } from "../types.ts";

const name = "google.protobuf";

/** Field presence and message encoding, where an edition says them. */
const FeatureSet = message(`${name}.FeatureSet`, {
  fieldPresence: optional(int32(1)),
  enumType: optional(int32(2)),
});

const FieldOptions = message(`${name}.FieldOptions`, {
  debugRedact: optional(bool(16)),
  features: field(21, FeatureSet),
});

const FieldDescriptor = message(`${name}.FieldDescriptorProto`, {
  name: optional(string(1)),
  number: optional(int32(3)),
  label: optional(int32(4)),
  type: optional(int32(5)),
  typeName: optional(string(6)),
  options: field(8, FieldOptions),
  oneofIndex: optional(int32(9)),
  jsonName: optional(string(10)),
  proto3Optional: optional(bool(17)),
});
export type FieldDescriptor = Infer<typeof FieldDescriptor>;

const OneofDescriptor = message(`${name}.OneofDescriptorProto`, { name: optional(string(1)) });

const EnumValueDescriptor = message(`${name}.EnumValueDescriptorProto`, {
  name: optional(string(1)),
  number: optional(int32(2)),
});

const EnumDescriptor = message(`${name}.EnumDescriptorProto`, {
  name: optional(string(1)),
  value: repeated(field(2, EnumValueDescriptor)),
});
export type EnumDescriptor = Infer<typeof EnumDescriptor>;

const MessageOptions = message(`${name}.MessageOptions`, {
  mapEntry: optional(bool(7)),
  features: field(12, FeatureSet),
});

export interface MessageDescriptor {
  readonly name?: string | undefined;
  readonly field: readonly FieldDescriptor[];
  readonly nestedType: readonly MessageDescriptor[];
  readonly enumType: readonly EnumDescriptor[];
  readonly options?: Infer<typeof MessageOptions> | undefined;
  readonly oneofDecl: readonly Infer<typeof OneofDescriptor>[];
}

const MessageDescriptor: MessageType<MessageDescriptor> = message(`${name}.DescriptorProto`, {
  name: optional(string(1)),
  field: repeated(field(2, FieldDescriptor)),
  nestedType: repeated(field(3, () => MessageDescriptor)),
  enumType: repeated(field(4, EnumDescriptor)),
  options: field(7, MessageOptions),
  oneofDecl: repeated(field(8, OneofDescriptor)),
});

/** NO_SIDE_EFFECTS is 1, IDEMPOTENT is 2. */
const MethodOptions = message(`${name}.MethodOptions`, { idempotencyLevel: optional(int32(34)) });

const MethodDescriptor = message(`${name}.MethodDescriptorProto`, {
  name: optional(string(1)),
  inputType: optional(string(2)),
  outputType: optional(string(3)),
  options: field(4, MethodOptions),
  clientStreaming: optional(bool(5)),
  serverStreaming: optional(bool(6)),
});
export type MethodDescriptor = Infer<typeof MethodDescriptor>;

const ServiceDescriptor = message(`${name}.ServiceDescriptorProto`, {
  name: optional(string(1)),
  method: repeated(field(2, MethodDescriptor)),
});

const FileOptions = message(`${name}.FileOptions`, {
  javaPackage: optional(string(1)),
  javaOuterClassname: optional(string(8)),
  javaMultipleFiles: optional(bool(10)),
  goPackage: optional(string(11)),
  ccEnableArenas: optional(bool(31)),
  objcClassPrefix: optional(string(36)),
  csharpNamespace: optional(string(37)),
  features: field(50, FeatureSet),
});
export type FileOptions = Infer<typeof FileOptions>;

const FileDescriptor = message(`${name}.FileDescriptorProto`, {
  name: optional(string(1)),
  package: optional(string(2)),
  dependency: repeated(string(3)),
  messageType: repeated(field(4, MessageDescriptor)),
  enumType: repeated(field(5, EnumDescriptor)),
  service: repeated(field(6, ServiceDescriptor)),
  options: field(8, FileOptions),
  syntax: optional(string(12)),
  edition: optional(int32(14)),
});
export type FileDescriptor = Infer<typeof FileDescriptor>;

/** google.protobuf.FileDescriptorSet. */
export const FileDescriptorSet = message(`${name}.FileDescriptorSet`, { file: repeated(field(1, FileDescriptor)) });

/** The numbers of google.protobuf.FieldDescriptorProto.Type that are scalars. */
export const scalarTypes = {
  double: 1,
  float: 2,
  int64: 3,
  uint64: 4,
  int32: 5,
  fixed64: 6,
  fixed32: 7,
  bool: 8,
  string: 9,
  bytes: 12,
  uint32: 13,
  sfixed32: 15,
  sfixed64: 16,
  sint32: 17,
  sint64: 18,
} as const;

export const fieldTypes = { group: 10, message: 11, enum: 14 } as const;
export const labels = { optional: 1, required: 2, repeated: 3 } as const;
