import { ContractError } from "../message.ts";
import type { MessageType } from "../types.ts";
import type { OperationFacts, OperationType } from "./operation.ts";

/**
 * What others may see of a transaction under way, strongest first.
 * - `full`: nothing, it is one database transaction.
 * - `locked`: written rows are locked until the end; different databases may be seen at different moments.
 * - `reserved`: what was reserved cannot be taken by others.
 * - `none`: what is done is seen at once, even if it is undone later.
 */
export type Isolation = "full" | "locked" | "reserved" | "none";

/** `final`: `run` answers when the outcome is certain; `accepted`: it may answer before. */
export type ReplyNeed = "final" | "accepted";

/** The weakest guarantees a transaction's business accepts. */
export interface TransactionNeeds {
  readonly isolation: Isolation;
  readonly reply: ReplyNeed;
}

/** What a step is within its transaction. */
export interface StepFacts {
  /** Once it is done there is no way back. */
  readonly pivot: boolean;
  /** Runs only after the outcome is certain, and must then succeed. */
  readonly afterCommit: boolean;
  /** Its loss is acceptable. */
  readonly droppable: boolean;
}

/** One step of a transaction: an operation, its input, and what it waits for. */
export interface StepType<
  Op extends OperationType = OperationType,
  F extends StepFacts = StepFacts,
  U extends string = string,
  A extends string = string,
> {
  readonly name: string;
  readonly operation: Op;
  readonly facts: F;
  /** Steps whose outputs its input is made of; it runs after them. */
  readonly uses: readonly U[];
  /** Steps it runs after, `uses` included. */
  readonly after: readonly A[];
  input(input: unknown, outputs: Readonly<Record<string, unknown>>): unknown;
}

export type Steps = Readonly<Record<string, StepType>>;

declare const order: unique symbol;

/** A transaction: a graph of steps, the same whatever strategy drives it. */
export interface TransactionType<
  I = unknown,
  S extends Steps = Steps,
  N extends TransactionNeeds = TransactionNeeds,
  Order extends readonly string[] = readonly string[],
> {
  readonly kind: "transaction";
  /** lowerCamelCase; unique within an app, the key in its configuration. */
  readonly name: string;
  readonly version: number;
  readonly input: MessageType<I>;
  readonly needs: N;
  /** In an order in which each step comes after those it waits for. */
  readonly steps: S;
  /** Phantom: the names of the steps in their order. */
  readonly [order]?: Order;
}

type InputOf<Op> = Op extends OperationType<infer I> ? I : never;
type OutputOf<Op> = Op extends OperationType<infer _, infer O> ? O : never;

/** The outputs of steps, by step. */
export type OutputsOf<S extends Steps> = { readonly [K in keyof S]: OutputOf<S[K]["operation"]> };

interface How<U extends string, A extends string> extends Partial<StepFacts> {
  readonly uses?: readonly U[];
  readonly after?: readonly A[];
}

declare const unnamed: unique symbol;

/** What a step knows of the others that names none of them. */
export interface NothingUnlessNamedInUses {
  readonly [unnamed]?: never;
}

type Used<S extends Steps, U extends keyof S> = [U] extends [never]
  ? NothingUnlessNamedInUses
  : { readonly [K in U]: OutputOf<S[K]["operation"]> };

/** The steps a step may wait for; where there are none, what the type error is to say. */
type Before<S extends Steps> = [keyof S & string] extends [never] ? "no step is before this one" : keyof S & string;

type FactsOf<H> = {
  readonly [K in keyof StepFacts]: H extends { readonly [P in K]: infer V extends boolean } ? V : false;
};

type AfterOf<H> = H extends { readonly after: readonly (infer A extends string)[] } ? A : never;

/** A transaction being written: each step may build on those before it. */
export interface PlanBuilder<I, S extends Steps, Order extends readonly string[] = readonly []> {
  readonly steps: S;
  /** Phantom: the names of the steps in their order. */
  readonly [order]?: Order;
  /**
   * Adds a step. `input` gets the input of the transaction and the outputs of the steps named in `uses`; it is a pure
   * function, for it runs again on recovery. Throws a {@link ContractError} for a name that is taken or wrong.
   */
  step<
    const N extends string,
    Op extends OperationType,
    const U extends keyof S & string = never,
    const H extends How<U, Before<S>> = Record<never, never>,
  >(
    name: N,
    operation: Op,
    input: (input: I, outputs: Used<S, U>) => InputOf<Op>,
    how?: H & { readonly uses?: readonly U[] },
  ): PlanBuilder<I, S & { readonly [K in N]: StepType<Op, FactsOf<H>, U, U | AfterOf<H>> }, readonly [...Order, N]>;
}

export interface TransactionDefinition<
  I,
  N extends TransactionNeeds,
  S extends Steps,
  Order extends readonly string[] = readonly string[],
> {
  /** Counts up with every change of the graph; whole, from 1. Default 1. */
  readonly version?: number;
  readonly input: MessageType<I>;
  readonly needs: N;
  readonly plan: (plan: PlanBuilder<I, Record<never, never>>) => PlanBuilder<I, S, Order>;
}

/** Declares a transaction. Throws a {@link ContractError} for what can never work, whatever drives it. */
export function transaction<I, const N extends TransactionNeeds, S extends Steps, Order extends readonly string[]>(
  name: string,
  { version = 1, input, needs, plan }: TransactionDefinition<I, N, S, Order>,
): TransactionType<I, S, N, Order> {
  if (!/^[a-z][a-zA-Z0-9]*$/.test(name))
    throw new ContractError(`transaction "${name}": write the name in lowerCamelCase`);
  if (!Number.isInteger(version) || version < 1)
    throw new ContractError(`transaction ${name}: version must be a whole number from 1`);
  const { steps } = plan(builder(name, {}));
  checkSteps(name, Object.values(steps));
  return Object.freeze({ kind: "transaction", name, version, input, needs: Object.freeze({ ...needs }), steps });
}

function builder<I, S extends Steps>(transaction: string, steps: S): PlanBuilder<I, S> {
  return {
    steps,
    step: (name, operation, input, how) => {
      const {
        uses = [],
        after = [],
        pivot = false,
        afterCommit = false,
        droppable = false,
      }: How<string, string> = how ?? {};
      if (!/^[a-z][a-zA-Z0-9]*$/.test(name))
        throw new ContractError(`transaction ${transaction}: write step "${name}" in lowerCamelCase`);
      if (name in steps) throw new ContractError(`transaction ${transaction}: there are two steps "${name}"`);
      for (const other of [...uses, ...after]) {
        if (!(other in steps))
          throw new ContractError(
            `transaction ${transaction}: step "${name}" waits for "${other}", which is not before it`,
          );
      }
      const step: StepType = Object.freeze({
        name,
        operation,
        facts: Object.freeze({ pivot, afterCommit, droppable }),
        uses: Object.freeze([...uses]),
        after: Object.freeze([...new Set([...uses, ...after])]),
        input: input as StepType["input"],
      });
      return builder(transaction, Object.freeze({ ...steps, [name]: step })) as never; // the type says what was added
    },
  };
}

function checkSteps(transaction: string, steps: readonly StepType[]): void {
  const problem = (what: string): never => {
    throw new ContractError(`transaction ${transaction}: ${what}`);
  };
  const main = steps.filter(({ facts }) => !facts.afterCommit);
  if (main.length === 0) problem("has no step that decides its outcome; one must not be afterCommit");
  if (main.filter(({ facts }) => facts.pivot).length > 1) problem("has more than one pivot");
  const late = new Set(steps.filter(({ facts }) => facts.afterCommit).map(({ name }) => name));
  for (const { name, after, facts } of steps) {
    const waits = after.find((other) => late.has(other));
    if (waits !== undefined && !facts.afterCommit)
      problem(`step "${name}" waits for "${waits}", which runs after the commit`);
    if (facts.pivot && facts.afterCommit) problem(`step "${name}" cannot be the pivot and run after the commit`);
  }
}

/** Any transaction, its types erased. */
export type AnyTransaction = TransactionType<never, Steps, TransactionNeeds> | TransactionType;

/** Facts of an operation as a step sees them. */
export type FactsOfStep<T extends StepType> = T["operation"]["facts"] & OperationFacts;
