import { StatusError } from "../call/status.ts";
import type { Method } from "../contract/types.ts";

const reason = "SERVICE_GONE";

/** The answer where a service is called that is not there any more: nobody has handled the call, somebody may later. */
export function serviceGone({ service }: Pick<Method, "service">, message: string): StatusError {
  return new StatusError("UNAVAILABLE", message, { reason, details: { service } });
}

/** Whether an answer says so of the service that was called, not of another that its handler has called. */
export function saysGone(error: StatusError, { service }: Pick<Method, "service">): boolean {
  return error.reason === reason && error.details.service === service;
}
