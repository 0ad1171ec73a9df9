import type { Method } from "@mortise/kernel/contract";
import { type HessianValues, type JavaMethod, javaMethod as javaMethodOf } from "@mortise/kernel/hessian";
import type { ServiceOptions } from "./options.ts";

export { countParameters, descriptorOf, type JavaMethod } from "@mortise/kernel/hessian";

/** How a method looks to Java with these options. Throws an Error that names the option where the two do not fit. */
export function javaMethod(method: Method, values: HessianValues, options: Partial<ServiceOptions> = {}): JavaMethod {
  return javaMethodOf("protocol/dubbo", method, values, options);
}
