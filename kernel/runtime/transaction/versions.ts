import { StatusError } from "../../call/status.ts";
import type { OperationFacts, OperationsType } from "../../contract/transaction/operation.ts";
import type { DriveRequest } from "../../contract/transaction/participant.ts";
import type { BranchAction } from "../../spi/transaction.ts";
import { transactionCodes } from "./rule-codes.ts";

/** What a participant says of an operation it performs; without `accepts` it takes none but its own version. */
export type PerformedVersions = Pick<OperationFacts, "version"> & { readonly accepts?: number | undefined };

/** `begin`: that something be done; `finish`: that what was done be made final or taken back. */
type Asking = "begin" | "finish";

/** An action that is not here runs nothing of the operation, so that any version can do it. */
const askings: Readonly<Partial<Record<BranchAction, Asking>>> = {
  check: "begin",
  reserve: "begin",
  apply: "begin",
  prepare: "begin",
  confirm: "finish",
  cancel: "finish",
  undo: "finish",
};

/**
 * What speaks against doing a version of an operation; nothing where it can be done. The same for participants that are asked, and
 * for rules that ask beforehand. What a version has begun it finishes itself, and so does every newer one.
 */
export function unfitFor(
  version: number,
  performed: PerformedVersions | undefined,
  asking: Asking = "begin",
): string | undefined {
  if (!performed) return "has no such operation";
  const { version: newest, accepts = newest } = performed;
  if (newest < version) return `has only version ${newest} of it`;
  if (asking === "finish" || version >= accepts) return undefined;
  return `takes only ${accepts === newest ? `version ${newest}` : `versions ${accepts} to ${newest}`} of it`;
}

/**
 * The error that says why a participant cannot do what is asked of it, and what to do; nothing where it can. Throws
 * INVALID_ARGUMENT for what is no version.
 */
export function unfitError(
  { name, operations }: Pick<OperationsType, "name" | "operations">,
  { action, steps }: Pick<DriveRequest, "action" | "steps">,
): StatusError | undefined {
  const asking = askings[action as BranchAction];
  if (!asking) return undefined;
  for (const { operation, version } of steps) {
    const asked = `${operation}@${version}`;
    if (!(version >= 1)) throw new StatusError("INVALID_ARGUMENT", `"${asked}" is no version of an operation`);
    const why = unfitFor(version, operations[operation]?.facts, asking);
    const message = `${name} cannot ${action} ${asked}: it ${why}. ${transactionCodes.DTX010}`;
    if (why !== undefined) return new StatusError("UNIMPLEMENTED", message, { reason: "NO_SUCH_OPERATION" });
  }
  return undefined;
}
