import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import type { OperationsType, OperationType } from "../../contract/transaction/operation.ts";
import { createFence } from "../../runtime/transaction/fence.ts";
import { nothing } from "../../spi/one-statement.ts";
import type { LocalOperation } from "../../spi/perform.ts";
import type { Database } from "../../spi/store.ts";
import { confirmChanges } from "./effect-law.ts";
import { laws } from "./laws.ts";
import { manyHolds } from "./many-law.ts";
import { prepares } from "./prepare-law.ts";
import { refusals } from "./refusal-law.ts";
import { onStage, type Stage, type Tried, tried } from "./stage.ts";
import type { AnySubject, OpenedDatabase, OperationsSubject } from "./subject.ts";
import { trying } from "./trying.ts";
import { ask } from "./verdict.ts";

/** A law of one operation, to be checked. */
export interface LawOfOperation {
  readonly operation: string;
  readonly law: string;
  /** Rejects with what differs, and the smallest input that shows it. Notes what it could not see, and gives why where it checks nothing. */
  check(note?: (text: string) => void): Promise<string | undefined>;
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
    for (const { operation, law, check } of made.laws)
      it(`${operation}: ${law}`, async (test) => {
        const moot = await check((text) => test.diagnostic(text));
        if (moot !== undefined) test.skip(moot);
      });
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
type Note = (text: string) => void;
/** Why there is nothing to check. */
type Moot = string | undefined;

function lawsOf(operation: OperationType, subject: AnySubject, open: Opened): LawOfOperation[] {
  const { name, facts } = operation;
  const { runs } = subject;
  const input = subject.inputs[name];
  if (!input) throw new TypeError(`operationConformance: there are no inputs for ${subject.operations.name}/${name}`);
  const ownOf = (database: Database) => subject.perform(database)[name] as LocalOperation;
  const law = (text: string, check: (database: Database, note: Note) => Promise<Moot>): LawOfOperation => ({
    operation: name,
    law: text,
    check: async (note = () => undefined) => check(await open(), note),
  });
  const some = (most = 1) => fc.tuple(pastOf(subject), fc.array(input, { minLength: 1, maxLength: most })).map(caseOf);
  const play = <T>(database: Database, one: Case, work: (stage: Stage, all: readonly Tried[]) => Promise<T>) =>
    played(database, subject, one, operation, work);

  const single = laws.map(({ law: text, holds, moot }) =>
    law(text, async (database) => {
      const why = moot?.(ownOf(database), operation);
      if (why !== undefined) return why;
      return accepting(name, { runs, arbitrary: some() }, (one) =>
        play(database, one, (stage, [first]) => holds(stage, first as Tried, subject)),
      );
    }),
  );
  const effect = law("confirm changes something", async (database) => {
    if (ownOf(database).confirm === nothing) return `confirm of ${name} is \`nothing\``;
    return seeing(
      { runs, arbitrary: some() },
      (one) => play(database, one, (stage, [first]) => confirmChanges(stage, first as Tried)),
      (count) =>
        `confirm of ${name} changed nothing that \`observe\` shows, with ${count} inputs: is an \`await\` missing? Where there is nothing to confirm write \`confirm: nothing\``,
    );
  });
  const refusing = law("what says no leaves nothing", async (database, note) => {
    if (facts.rejects.length === 0) return `${name} declares no rejects`;
    return refused(operation, { runs, arbitrary: some(), note }, (one) =>
      play(database, one, (stage, [first]) => refusals(stage, first as Tried)),
    );
  });
  const many = law("many at once are the same as one after the other", async (database) => {
    const own = ownOf(database);
    if (!own.reserveMany) return `${name} has no reserveMany`;
    return accepting(name, { runs, arbitrary: some(5) }, (one) =>
      play(database, one, (stage, all) => manyHolds(stage, all, own)),
    );
  });
  const prepared = law("it can be left prepared", (database) =>
    accepting(name, { runs: 3, arbitrary: input.map((one) => caseOf([[], [one]])) }, ({ inputs: [one] }) =>
      prepares(database, subject, tried(operation, one)),
    ),
  );
  return [...single, effect, refusing, many, prepared];
}

interface Inputs {
  readonly runs: number | undefined;
  readonly arbitrary: fc.Arbitrary<Case>;
}

/** Tries a law until an input was accepted. Fails where none is: then it tells nothing. */
function accepting(name: string, inputs: Inputs, work: (one: Case) => Promise<boolean>): Promise<undefined> {
  return seeing(
    inputs,
    work,
    () =>
      `${name} accepts none of the inputs it is asked for, so this tells nothing: let \`inputs.${name}\` make some it accepts, or \`given.${name}\` what they need`,
  );
}

/** Tries until an input has shown what it shall. Fails with `unseen` where none does. */
async function seeing(
  inputs: Inputs,
  work: (one: Case) => Promise<boolean>,
  unseen: (count: number) => string,
): Promise<undefined> {
  let seen = false;
  const count = await trying({
    ...inputs,
    enough: () => seen,
    work: async (one) => {
      seen = (await work(one)) || seen;
    },
  });
  if (!seen) assert.fail(unseen(count));
}

/** So long for each of the reasons that are declared, and so long for any. */
const rounds = { forEach: 5, forAny: 20 };

/** Tries a law until an input was refused for every reason. Fails where none is refused, and notes the reasons not seen. */
async function refused(
  { name, facts }: OperationType,
  { note, ...inputs }: Inputs & { readonly note: Note },
  work: (one: Case) => Promise<readonly string[]>,
): Promise<undefined> {
  const seen = new Set<string>();
  const unseen = () => facts.rejects.filter((reason) => !seen.has(reason));
  const count = await trying({
    ...inputs,
    rounds: rounds.forAny,
    enough: (round) => unseen().length === 0 || (seen.size > 0 && round >= rounds.forEach),
    work: async (one) => {
      for (const reason of await work(one)) seen.add(reason);
    },
  });
  if (seen.size === 0)
    assert.fail(
      `${name} declares ${facts.rejects.join(", ")} and refuses none of ${count} inputs, so this tells nothing: let \`inputs.${name}\` make some it refuses`,
    );
  if (unseen().length > 0) note(`${name} refused none of ${count} inputs for ${unseen().join(", ")}`);
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

function played<T>(
  database: Database,
  subject: AnySubject,
  { past, inputs }: Case,
  operation: OperationType,
  work: (stage: Stage, all: readonly Tried[]) => Promise<T>,
): Promise<T> {
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
