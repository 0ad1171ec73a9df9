import { codecOf } from "../../contract/codec/codec.ts";
import type { DriveRequest } from "../../contract/transaction/participant.ts";
import type { AnyTransaction, StepType } from "../../contract/transaction/transaction.ts";
import type { PlannedBranch } from "../../spi/coordinator.ts";
import type { BranchAction } from "../../spi/transaction.ts";

/** Outputs of steps as bytes of their messages. */
export type Outputs = ReadonlyMap<string, Uint8Array>;

/** What makes requests of a transaction: the code of its declaration, its input, and what its steps gave. */
export interface RequestParts {
  readonly gid: string;
  readonly strategy: string;
  readonly transaction: AnyTransaction;
  readonly input: Uint8Array;
  readonly outputs: Outputs;
}

/** Actions that carry the inputs of the steps; for the others the participant remembers them. */
const withInput: ReadonlySet<BranchAction> = new Set(["check", "reserve", "apply", "prepare"]);

/** The request that asks for one action on one branch. Throws what an input function throws. */
export function requestFor(parts: RequestParts, branch: PlannedBranch, action: BranchAction): DriveRequest {
  const { gid, strategy, transaction } = parts;
  const filled = withInput.has(action);
  return {
    gid,
    branch: branch.id,
    action,
    strategy,
    transaction: transaction.name,
    steps: branch.steps.map(({ step, operation, version }) => ({
      step,
      operation,
      version,
      input: filled ? inputOf(parts, step) : nothing,
    })),
  };
}

const nothing = new Uint8Array();

function inputOf({ transaction, input, outputs }: RequestParts, name: string): Uint8Array {
  const step = stepOf(transaction, name);
  const used = Object.fromEntries(step.uses.map((other) => [other, outputOf(transaction, outputs, other)]));
  const value = step.input(codecOf(transaction.input).decode(input), used);
  return codecOf(step.operation.input).encode(value);
}

/** The output of a step that is done. Throws an Error if it is not. */
export function outputOf(transaction: AnyTransaction, outputs: Outputs, name: string): unknown {
  const bytes = outputs.get(name);
  if (!bytes) throw new Error(`transaction ${transaction.name}: the output of step "${name}" is not known`);
  return codecOf(stepOf(transaction, name).operation.output).decode(bytes);
}

/** All outputs that are known, decoded. */
export function outputsOf(transaction: AnyTransaction, outputs: Outputs): Record<string, unknown> {
  const known = Object.keys(transaction.steps).filter((name) => outputs.has(name));
  return Object.fromEntries(known.map((name) => [name, outputOf(transaction, outputs, name)]));
}

function stepOf({ name: transaction, version, steps }: AnyTransaction, name: string): StepType {
  const step = steps[name];
  if (!step)
    throw new Error(
      `version ${version} of transaction ${transaction} has no step "${name}"; what was begun with one that has is ended by a process that has it, too`,
    );
  return step;
}
