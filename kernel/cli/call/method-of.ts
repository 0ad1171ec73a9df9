import type { Method, ServiceType } from "../../contract/types.ts";
import { suggestion } from "../../core/nearest.ts";
import { exitCodes, UserError } from "../exit.ts";

/** Takes `service/method` apart. Throws a UserError if it is none. */
export function readTarget(target: string): { readonly service: string; readonly method: string } {
  const [service = "", method = "", ...rest] = target.split("/");
  if (service !== "" && method !== "" && rest.length === 0) return { service, method };
  throw new UserError(`"${target}" is no method; write service/method, for example shop.order.v1.Orders/place`);
}

/** A method of a contract by its name in TypeScript or on the wire. Throws a UserError with the nearest name. */
export function methodOf(contract: ServiceType, name: string): Method {
  const methods = Object.values(contract.methods);
  const found = methods.find((method) => method.name === name || method.wireName === name);
  if (found) return found;
  const known = methods.map((method) => method.name);
  throw new UserError(`${contract.name} has no method "${name}".${suggestion(name, known)}`, exitCodes.problems);
}

/** The error for a service nobody knows; `what` ends before its name: `shop.yaml neither serves nor calls`. */
export function unknownService(what: string, service: string, known: Iterable<string>): UserError {
  return new UserError(`${what} a service "${service}".${suggestion(service, known)}`, exitCodes.problems);
}
