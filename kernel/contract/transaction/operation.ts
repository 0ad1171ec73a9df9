import { ContractError } from "../message.ts";
import type { MessageType, ServiceType } from "../types.ts";
import { participantService } from "./participant.ts";
import { type WrongRejects, wrongRejects } from "./rejects.ts";

/** What an operation promises; which strategies may drive it follows from this. */
export interface OperationFacts {
  /**
   * Counts up when callers are to rely on what older performers do not do; whole, from 1. Pinned by each transaction that began
   * with it. A newer version finishes what older ones began; where it cannot, it is another operation, with a name of its own.
   */
  readonly version: number;
  /** The lowest version that may still be asked to begin something; whole, from 1 to `version`. */
  readonly accepts: number;
  /** `local`: all it does is in one PostgreSQL; `external`: it acts on something else, which knows idempotency keys. */
  readonly acts: "local" | "external";
  /** Reasons for which it may say no, none of them one of the platform's own. An empty list: it cannot be refused. */
  readonly rejects: readonly string[];
  /** Whether it can be taken back after it is final. */
  readonly undo: boolean;
  /** Takes minutes or waits for people. */
  readonly long: boolean;
  /** How long a reservation is kept at least, in milliseconds; undefined: until it is confirmed or cancelled. */
  readonly expiresMs: number | undefined;
}

/** One thing a participant does on behalf of transactions. */
export interface OperationType<
  I = unknown,
  O = unknown,
  F extends OperationFacts = OperationFacts,
  P extends string = string,
> {
  readonly kind: "operation";
  /** The operations it belongs to, for example `shop.inventory.v1.Stock`; they share one database. */
  readonly participant: P;
  readonly name: string;
  readonly input: MessageType<I>;
  readonly output: MessageType<O>;
  readonly facts: F;
  /** What it contends for, for example `sku:chair`: the order of locks and the lanes of hot rows follow from it. */
  keys(input: I): readonly string[];
}

/** The operations of one participant. */
export interface OperationsType<
  O extends Readonly<Record<string, OperationType>> = Readonly<Record<string, OperationType>>,
> {
  readonly kind: "operations";
  readonly name: string;
  readonly operations: O;
  /** How transactions reach the participant. */
  readonly service: ParticipantType;
}

export type ParticipantType = ReturnType<typeof participantService>;

/** An operation as written in `operations`, before it has a name. */
export interface OperationSpec<I, O, F extends OperationFacts> {
  readonly input: MessageType<I>;
  readonly output: MessageType<O>;
  readonly facts: F;
  keys(input: I): readonly string[];
}

/** What may be left out, and what it then is. */
interface Defaults {
  readonly version: 1;
  readonly accepts: 1;
  readonly acts: "local";
  readonly rejects: readonly [];
  readonly undo: false;
  readonly long: false;
  readonly expiresMs: undefined;
}

export type Filled<F> = {
  readonly [K in keyof OperationFacts]: K extends keyof F ? Extract<F[K], OperationFacts[K]> : Defaults[K];
};

/** Shows what is wrong with `rejects` in the message of the type error. */
type RightRejects<F> = F extends { readonly rejects: infer R }
  ? [WrongRejects<R>] extends [never]
    ? unknown
    : { readonly rejects: WrongRejects<R> }
  : unknown;

/**
 * Declares an operation. What it does is written where it is performed, in the setup of a service. Throws a
 * {@link ContractError} for facts that cannot be.
 */
export function operation<I, O, const F extends Partial<OperationFacts> = Record<never, never>>(
  input: MessageType<I>,
  output: MessageType<O>,
  facts?: F & { readonly keys?: (input: I) => readonly string[] } & RightRejects<F>,
): OperationSpec<I, O, Filled<F>> {
  const { version = 1, accepts = 1, acts = "local", rejects = [], undo = false, long = false } = facts ?? {};
  const { expiresMs, keys = () => [] } = facts ?? {};
  if (!Number.isInteger(version) || version < 1)
    throw new ContractError(`an operation on ${input.name}: version must be a whole number from 1`);
  if (!Number.isInteger(accepts) || accepts < 1 || accepts > version)
    throw new ContractError(
      `an operation on ${input.name}: accepts must be a whole number from 1 to ${version}, which is its version`,
    );
  if (expiresMs !== undefined && !(expiresMs > 0))
    throw new ContractError(`an operation on ${input.name}: expiresMs must be more than 0`);
  const wrong = wrongRejects(rejects);
  if (wrong !== undefined) throw new ContractError(`an operation on ${input.name}: ${wrong}`);
  const reasons = Object.freeze([...rejects]);
  const filled: OperationFacts = Object.freeze({ version, accepts, acts, rejects: reasons, undo, long, expiresMs });
  return { input, output, facts: filled as Filled<F>, keys };
}

type Specs = Readonly<Record<string, OperationSpec<unknown, unknown, OperationFacts>>>;

type OperationOf<S, P extends string> =
  S extends OperationSpec<infer I, infer O, infer F> ? OperationType<I, O, F, P> : never;

/**
 * Declares the operations of one participant. Throws a {@link ContractError} for a bad name.
 * @param name fully qualified, for example `shop.inventory.v1.Stock`; a service of that name is offered to coordinators
 */
export function operations<const P extends string, const S extends Specs>(
  name: P,
  specs: S,
): OperationsType<{ readonly [K in keyof S]: OperationOf<S[K], P> }> {
  const service: ServiceType = participantService(name);
  const entries = Object.entries(specs).map(([local, { input, output, facts, keys }]) => {
    if (!/^[a-z][a-zA-Z0-9]*$/.test(local))
      throw new ContractError(`operations ${name}: write operation "${local}" in lowerCamelCase`);
    return [
      local,
      Object.freeze({ kind: "operation", participant: name, name: local, input, output, facts, keys }),
    ] as const;
  });
  return Object.freeze({
    kind: "operations",
    name,
    operations: Object.freeze(Object.fromEntries(entries)),
    service,
  }) as unknown as OperationsType<{ readonly [K in keyof S]: OperationOf<S[K], P> }>;
}
