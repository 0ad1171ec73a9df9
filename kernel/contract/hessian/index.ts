// Hessian 2.0 on the wire: what the serializer and the protocols that speak it share.
export { type HessianLimits, HessianReader, hessianLimits } from "./reader.ts";
export { type HessianValues, hessianValuesOf } from "./serializer.ts";
export { HessianDouble, type HessianList, type HessianMap, HessianObject, type HessianValue } from "./value.ts";
export { HessianWriter } from "./writer.ts";
