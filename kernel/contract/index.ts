// What a contract is written with, and everything made from one.

export { aheadOfTimeSource } from "./aot.ts";
export { registerCodecs } from "./codec/ahead.ts";
export { codecOf, interpretedCodec, limitedCodec } from "./codec/codec.ts";
export type { DecodeLimits } from "./codec/limits.ts";
export { decodeLimits } from "./codec/limits.ts";
export { byteSink } from "./codec/sink.ts";
export * from "./fields.ts";
export { type Mapping, mapping } from "./form/mapping.ts";
export type { ValueForm } from "./form/value-form.ts";
export type { FromJsonOptions } from "./json/from-json.ts";
export { type JsonMapping, jsonOf } from "./json/json.ts";
export { redact } from "./json/redact.ts";
export { jsonSchemaOf, jsonSchemasOf } from "./json/schema.ts";
export type { ToJsonOptions } from "./json/to-json.ts";
export type { JsonObject, JsonValue } from "./json/value.ts";
export { ContractError, enumeration, message } from "./message.ts";
export { isOpaque } from "./opaque.ts";
export { type Contract, protoFilesOf } from "./proto/files.ts";
export { contractsFromDescriptors, type ForeignContracts } from "./proto/from-descriptors.ts";
export { protoFiles } from "./proto/print.ts";
export { ReflectionRequest, ReflectionResponse, ServerReflection, ServerReflectionAlpha } from "./proto/reflection.ts";
export { fileDescriptorSet } from "./proto/to-descriptors.ts";
export {
  checkProto,
  checkProtoFiles,
  contractModules,
  contractsIn,
  describeDrift,
  type ProtoDrift,
  type ProtoJob,
  protoDrift,
  writeProto,
  writeProtoFiles,
} from "./proto/write.ts";
export { isText, restRuleOf, restShape } from "./rest/compile.ts";
export type { RestRule, RestSegment } from "./rest/rule.ts";
export { rpc, service, stream, topic } from "./service.ts";
export * from "./transaction/admin.ts";
export * from "./transaction/honest.ts";
export * from "./transaction/operation.ts";
export * from "./transaction/participant.ts";
export * from "./transaction/strategy.ts";
export * from "./transaction/topics.ts";
export * from "./transaction/transaction.ts";
export { contractFromTsProto, type TsProtoDefinition } from "./ts-proto.ts";
export type * from "./types.ts";
export * from "./well-known.ts";
