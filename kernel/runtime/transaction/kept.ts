import { asStatusError } from "../../call/outcome.ts";
import { StatusError } from "../../call/status.ts";
import { codecOf } from "../../contract/codec/codec.ts";
import { bool, bytes, field, optional, repeated, string } from "../../contract/fields.ts";
import { message } from "../../contract/message.ts";
import type { OperationsType, OperationType } from "../../contract/transaction/operation.ts";
import type { DriveReply, DriveRequest } from "../../contract/transaction/participant.ts";
import { DriveResult, DriveStep, Refusal } from "../../contract/transaction/participant.ts";
import type { Infer } from "../../contract/types.ts";

/** What a fence row remembers of a branch: what was asked, and how it was answered. */
const Kept = message("mortise.transaction.v1.Kept", {
  steps: repeated(field(1, DriveStep)),
  results: repeated(field(2, DriveResult)),
  refusal: field(3, Refusal),
  /** Whom to ask how it was decided. */
  coordinator: optional(string(4)),
  /** Which input the transaction had; a repetition under the same key may have another. */
  inputHash: optional(bytes(5)),
  /** It follows from something that is committed, and nobody is asked about it. */
  asksNobody: optional(bool(6)),
});

export type KeptBranch = Infer<typeof Kept>;
export type KeptStep = DriveRequest["steps"][number];
export type KeptRefusal = NonNullable<KeptBranch["refusal"]>;

const codec = codecOf(Kept);

/** What is kept of a branch beside its fence row. */
export function keptOf(
  { steps, coordinator, inputHash, asksNobody }: DriveRequest,
  results: KeptBranch["results"],
  refusal?: KeptRefusal,
): KeptBranch {
  const keeping = { ...(coordinator && { coordinator }), ...(asksNobody && { asksNobody }) };
  return { steps, results, ...(refusal && { refusal }), ...keeping, ...hashed(inputHash) };
}

/** What is kept of a branch that never came, and will not: only who keeps its transaction. */
export function keptOfNone({ coordinator }: DriveRequest): Uint8Array | undefined {
  return coordinator ? encodeKept({ steps: [], results: [], coordinator }) : undefined;
}

/** What is kept of operations that answer nothing, which is known before they run; undefined when one does. */
export function foretold(
  request: DriveRequest,
  { operations }: Pick<OperationsType, "operations">,
): KeptBranch | undefined {
  const { steps } = request;
  if (!steps.every(({ operation }) => operations[operation]?.output.fields.length === 0)) return undefined;
  const results = steps.map(({ step }) => ({ step, output: new Uint8Array() }));
  return keptOf(request, results);
}

export function encodeKept(kept: KeptBranch): Uint8Array {
  return codec.encode(kept);
}

export function decodeKept(bytes: Uint8Array | null): KeptBranch {
  return bytes === null ? { steps: [], results: [] } : codec.decode(bytes);
}

export function done(results: DriveReply["results"] = [], note = "", inputHash?: Uint8Array): DriveReply {
  return { outcome: "done", results, note, ...hashed(inputHash) };
}

export function answer(outcome: "refused" | "ongoing" | "heuristic", note: string): DriveReply {
  return { outcome, results: [], note };
}

export function rejected(refusal: KeptRefusal, inputHash?: Uint8Array): DriveReply {
  return { outcome: "rejected", results: [], refusal, note: "", ...hashed(inputHash) };
}

function hashed(inputHash: Uint8Array | undefined): { readonly inputHash?: Uint8Array } {
  return inputHash === undefined ? {} : { inputHash };
}

/** An operation said no. Thrown so that its database transaction is rolled back. */
export class Rejected extends Error {
  readonly refusal: KeptRefusal;

  constructor(refusal: KeptRefusal) {
    super(`${refusal.step}: ${refusal.reason}`);
    this.refusal = refusal;
  }
}

/** Gives the refusal if an operation threw one of the reasons it declares; anything else is a failure. */
export function refusalOf(step: string, { facts }: OperationType, thrown: unknown): KeptRefusal | undefined {
  if (!(thrown instanceof StatusError)) return undefined;
  const { reason, message, details } = asStatusError(thrown);
  if (reason === undefined || !facts.rejects.includes(reason)) return undefined;
  return { step, reason, message, details: new Map(Object.entries(details)) };
}
