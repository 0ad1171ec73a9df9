// Hessian on the wire, and how contracts look to Java: what the serializer and the protocols that speak it share.
export { FirstHessianReader } from "./first-reader.ts";
export { errorOfJava, type JavaException, readException } from "./java-exceptions.ts";
export {
  countParameters,
  descriptorOf,
  type JavaMethod,
  type JavaMethodOptions,
  type JavaServiceOptions,
  javaMethod,
} from "./java-method.ts";
export { type HessianLimits, HessianReader, hessianLimits } from "./reader.ts";
export { type HessianValues, hessianValuesOf } from "./serializer.ts";
export { HessianDouble, type HessianList, type HessianMap, HessianObject, type HessianValue } from "./value.ts";
export { HessianWriter } from "./writer.ts";
