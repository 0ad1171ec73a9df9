import { StatusError } from "../call/status.ts";
import { exitCodes, UserError } from "./exit.ts";

/** What is wrong with the command line or its request, and not with the call. */
const usage = new Set(["NO_METHOD_NAME", "INVALID_JSON", "REQUEST_MISFIT", "REQUEST_COUNT"]);
/** What is named and is not there. */
const unknown = new Set(["UNKNOWN_SERVICE", "UNKNOWN_METHOD", "NO_REFLECTION"]);

/** The mistake of a user that a generic call was refused for before anything was sent; nothing for other errors. */
export function misuseOf(error: unknown): UserError | undefined {
  if (!(error instanceof StatusError) || !error.neverSent) return undefined;
  const { reason = "", message } = error;
  if (usage.has(reason)) return new UserError(message);
  const hint = reason === "NO_REFLECTION" ? ": --contract <module>" : "";
  return unknown.has(reason) ? new UserError(`${message}${hint}`, exitCodes.problems) : undefined;
}
