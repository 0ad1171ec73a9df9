import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import type { OperationsType, OperationType } from "../../contract/transaction/operation.ts";
import { createFence } from "../../runtime/transaction/fence.ts";
import type { LocalOperation } from "../../spi/perform.ts";
import type { Database } from "../../spi/store.ts";
import { laws } from "./laws.ts";
import { manyHolds } from "./many-law.ts";
import { prepares } from "./prepare-law.ts";
import { onStage, type Stage, type Tried, tried } from "./stage.ts";
import type { AnySubject, OpenedDatabase, OperationsSubject } from "./subject.ts";
import { ask } from "./verdict.ts";

/** A law of one operation, to be checked. */
export interface LawOfOperation {
  readonly operation: string;
  readonly law: string;
  /** Rejects with what differs, and the smallest input that shows it. */
  check(): Promise<void>;
}

export interface LawsOfOperations {
  readonly laws: readonly LawOfOperation[];
  end(): Promise<void>;
}

/**
 * Tests that operations do what every strategy relies on, a named test for each law of each operation. Without it, that a
 * strategy can be swapped for another is a promise nobody has checked. Operations on something else than their database
 * are left out.
 */
export function operationConformance<O extends OperationsType, S>(subject: OperationsSubject<O, S>): void {
  const made = operationLaws(subject);
  describe(`the operations ${subject.operations.name}`, () => {
    after(() => made.end());
    for (const { operation, law, check } of made.laws) it(`${operation}: ${law}`, check);
  });
}

/** The same laws, for whoever wants to check them otherwise. */
export function operationLaws<O extends OperationsType, S>(given: OperationsSubject<O, S>): LawsOfOperations {
  const subject = given as unknown as AnySubject;
  let opening: Promise<OpenedDatabase> | undefined;
  const open = async () => {
    opening ??= opened(subject);
    return (await opening).database;
  };
  const local = Object.values(subject.operations.operations).filter(({ facts }) => facts.acts === "local");
  return {
    laws: local.flatMap((operation) => lawsOf(operation, subject, open)),
    async end() {
      const made = await opening;
      await made?.end?.();
    },
  };
}

async function opened(subject: AnySubject): Promise<OpenedDatabase> {
  const made = await subject.on();
  await createFence(made.database.sql);
  return made;
}

type Opened = () => Promise<Database>;

function lawsOf(operation: OperationType, subject: AnySubject, open: Opened): LawOfOperation[] {
  const { name } = operation;
  const input = subject.inputs[name];
  if (!input) throw new TypeError(`operationConformance: there are no inputs for ${subject.operations.name}/${name}`);
  const ownOf = (database: Database) => subject.perform(database)[name] as LocalOperation;
  const made = (law: string, check: (tally: Tally, database: Database) => Promise<void>): LawOfOperation => ({
    operation: name,
    law,
    check: async () => {
      const tally = { runs: 0, accepted: 0 };
      await check(tally, await open());
      if (tally.runs === 0 || tally.accepted > 0) return;
      assert.fail(
        `${name} accepts none of the inputs it is asked for, so this tells nothing: let \`inputs.${name}\` make some it accepts, or \`given.${name}\` what they need`,
      );
    },
  });
  const some = (arbitrary: fc.Arbitrary<unknown>, most?: number) =>
    fc.tuple(pastOf(subject), fc.array(arbitrary, { minLength: 1, maxLength: most ?? 1 })).map(caseOf);

  const single = laws.map(({ law, holds, concerns }) =>
    made(law, async (tally, database) => {
      if (concerns && !concerns(ownOf(database), operation)) return;
      await trying(subject, some(input), tally, (one) =>
        played(database, subject, one, operation, (stage, [first]) => holds(stage, first as Tried, subject)),
      );
    }),
  );
  const many = made("many at once are the same as one after the other", async (tally, database) => {
    const own = ownOf(database);
    if (!own.reserveMany) return;
    await trying(subject, some(input, 5), tally, (one) =>
      played(database, subject, one, operation, (stage, all) => manyHolds(stage, all, own)),
    );
  });
  const prepared = made("it can be left prepared", (tally, database) =>
    trying(
      { ...subject, runs: 3 },
      input.map((one) => caseOf([[], [one]])),
      tally,
      ({ inputs: [one] }) => prepares(database, subject, tried(operation, one)),
    ),
  );
  return [...single, many, prepared];
}

interface Tally {
  runs: number;
  accepted: number;
}

/** Operations that were done before: a law has to hold in whatever state they leave. */
function pastOf({ inputs, operations }: AnySubject) {
  const asked = Object.entries(inputs).map(([name, input]) =>
    input.map((value) => [operations.operations[name] as OperationType, value] as const),
  );
  return fc.array(fc.oneof(...asked), { maxLength: 2 });
}

type Past = readonly (readonly [OperationType, unknown])[];

/** One case of a law: what is done before, and what is asked for. Counterexamples show it in short. */
interface Case {
  readonly past: Past;
  readonly inputs: readonly unknown[];
}

function caseOf([past, inputs]: [Past, readonly unknown[]]): Case {
  const before = past.map(([{ name }, input]) => `${name} ${fc.stringify(input)}`);
  const asked = inputs.map((input) => fc.stringify(input));
  const after = before.length > 0 ? `after: ${before.join(", ")}; ` : "";
  const text = `${after}${asked.length > 1 ? "inputs" : "input"}: ${asked.join(", ")}`;
  return { past, inputs, [fc.toStringMethod]: () => text } as Case;
}

function played(
  database: Database,
  subject: AnySubject,
  { past, inputs }: Case,
  operation: OperationType,
  work: (stage: Stage, all: readonly Tried[]) => Promise<boolean>,
): Promise<boolean> {
  return onStage(database, subject, async (stage) => {
    for (const [before, input] of past) {
      await subject.given?.[before.name]?.(stage.tx, input);
      await ask(stage, tried(before, input), "apply");
    }
    for (const input of inputs) await subject.given?.[operation.name]?.(stage.tx, input);
    return work(
      stage,
      inputs.map((input) => tried(operation, input)),
    );
  });
}

async function trying<T>(
  { runs = 10 }: AnySubject,
  arbitrary: fc.Arbitrary<T>,
  tally: Tally,
  work: (value: T) => Promise<boolean>,
): Promise<void> {
  const property = fc.asyncProperty(arbitrary, async (value) => {
    tally.runs++;
    if (await work(value)) tally.accepted++;
  });
  const rounds = 5; // chance may make nothing but what is refused
  for (let round = 0; round < rounds && tally.accepted === 0; round++)
    await fc.assert(property, { numRuns: runs, includeErrorInReport: true });
}
