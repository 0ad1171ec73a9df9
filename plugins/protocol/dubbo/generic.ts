import { type HessianMap, HessianObject, type HessianValue } from "@mortise/kernel/hessian";
import { descriptorOf } from "./java-method.ts";

/** What a generic call asks for (org.apache.dubbo.rpc.service.GenericService). */
export interface GenericCall {
  readonly method: string;
  /** Nothing where the caller leaves it to the provider. */
  readonly descriptor: string | undefined;
  readonly values: readonly HessianValue[];
}

export function isGeneric(method: string): boolean {
  return method === "$invoke" || method === "$invokeAsync";
}

/** The call inside `$invoke(String method, String[] types, Object[] args)`; nothing where it is none. */
export function genericCall([method, types, values]: readonly HessianValue[]): GenericCall | undefined {
  if (typeof method !== "string" || !(values === null || Array.isArray(values))) return undefined;
  const names = Array.isArray(types) && types.every((type) => typeof type === "string") ? types : undefined;
  return { method, descriptor: names?.map(descriptorOf).join(""), values: values ?? [] };
}

/** A result as generic callers get it: objects are maps that say their class (PojoUtils.generalize). */
export function generalized(value: HessianValue): HessianValue {
  if (Array.isArray(value)) return value.map(generalized);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [generalized(key), generalized(item)]));
  if (!(value instanceof HessianObject)) return value;
  const map: HessianMap = new Map<HessianValue, HessianValue>([["class", value.className]]);
  for (const [name, item] of value.fields) map.set(name, generalized(item));
  return map;
}
