import { type ErrorCode, StatusError } from "../call/status.ts";
import type { Method, ServiceType } from "../contract/types.ts";
import { suggestion } from "../core/nearest.ts";

/** Why a generic call was not made. */
export type GenericReason =
  | "NO_METHOD_NAME"
  | "UNKNOWN_SERVICE"
  | "UNKNOWN_METHOD"
  | "NO_REFLECTION"
  | "INVALID_JSON"
  | "REQUEST_MISFIT"
  | "REQUEST_COUNT";

/** A mistake of whoever asks for a generic call; nothing was sent. */
export function misuse(code: ErrorCode, reason: GenericReason, message: string): StatusError {
  return new StatusError(code, message, { reason, neverSent: true });
}

/** Takes `service/method` apart. Throws INVALID_ARGUMENT, reason NO_METHOD_NAME, if it is none. */
export function readTarget(target: string): { readonly service: string; readonly method: string } {
  const [service = "", method = "", ...rest] = target.split("/");
  if (service !== "" && method !== "" && rest.length === 0) return { service, method };
  const example = "write service/method, for example shop.order.v1.Orders/place";
  throw misuse("INVALID_ARGUMENT", "NO_METHOD_NAME", `"${target}" is no method; ${example}`);
}

/** A method of a contract by its name in TypeScript or on the wire. Throws NOT_FOUND, reason UNKNOWN_METHOD, with the nearest name. */
export function methodOf(contract: ServiceType, name: string): Method {
  const methods = Object.values(contract.methods);
  const found = methods.find((method) => method.name === name || method.wireName === name);
  if (found) return found;
  const known = methods.map((method) => method.name);
  throw misuse("NOT_FOUND", "UNKNOWN_METHOD", `${contract.name} has no method "${name}".${suggestion(name, known)}`);
}

/** The error for a service nobody knows; `what` ends before its name: `shop.yaml neither serves nor calls`. */
export function unknownService(what: string, service: string, known: Iterable<string>): StatusError {
  return misuse("NOT_FOUND", "UNKNOWN_SERVICE", `${what} a service "${service}".${suggestion(service, known)}`);
}
