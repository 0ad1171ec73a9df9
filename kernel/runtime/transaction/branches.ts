import type { StepType, TransactionType } from "../../contract/transaction/transaction.ts";
import type { PlannedBranch } from "../../spi/coordinator.ts";
import { onlyBranch } from "../../spi/driving.ts";

/** The branches of a transaction: those that decide its outcome, and those that run after the commit. */
export interface Branches {
  readonly main: readonly PlannedBranch[];
  readonly later: readonly PlannedBranch[];
}

/** Whether the commit of its only branch is all there is to decide. */
export function isOneBranch({ main, later }: Branches): boolean {
  return onlyBranch(main, later) !== undefined;
}

/**
 * Puts steps of the same participant into one branch, which is one transaction of its database: two branches there
 * would cost a commit more and could wait for each other for ever. Steps stay apart when one needs the other's output, when
 * one is external or long, or when the branches would then have to run after each other in a circle.
 */
export function branchesOf(transaction: Pick<TransactionType, "steps">): Branches {
  const steps = Object.values(transaction.steps);
  const main = merged(steps.filter(({ facts }) => !facts.afterCommit));
  const later = merged(steps.filter(({ facts }) => facts.afterCommit));
  const groups = [...main, ...later];
  const idOf = new Map(groups.flatMap((group, at) => group.map(({ name }) => [name, `b${at + 1}`] as const)));
  const planned = (group: readonly StepType[]): PlannedBranch => branchOf(group, idOf);
  return { main: inOrder(main).map(planned), later: inOrder(later).map(planned) };
}

type Group = StepType[];

function merged(steps: readonly StepType[]): Group[] {
  const groups: Group[] = [];
  for (const step of steps) {
    const home = groups.find((group) => mayJoin(step, group, groups));
    if (home) home.push(step);
    else groups.push([step]);
  }
  return groups;
}

function mayJoin(step: StepType, group: Group, groups: readonly Group[]): boolean {
  const [first] = group;
  if (first?.operation.participant !== step.operation.participant) return false;
  if ([first, step].some(({ operation }) => operation.facts.acts === "external" || operation.facts.long)) return false;
  if (group.some(({ name }) => step.uses.includes(name))) return false;
  // A circle would arise through a branch that the step waits for and that itself waits for this group.
  const before = reach(
    step.after.filter((name) => !group.some((one) => one.name === name)),
    groups,
  );
  return !before.has(group);
}

/** The groups that hold these steps, and those they wait for. */
function reach(names: readonly string[], groups: readonly Group[]): Set<Group> {
  const found = new Set<Group>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const group = groups.find((one) => one.some((step) => step.name === name));
    if (!group || found.has(group)) continue;
    found.add(group);
    open.push(...group.flatMap(({ after }) => after.filter((other) => !group.some((step) => step.name === other))));
  }
  return found;
}

/** Merging may put a group behind one it waits for: sorts so that each comes after those before it. */
function inOrder(groups: readonly Group[]): Group[] {
  const sorted: Group[] = [];
  const left = [...groups];
  while (left.length > 0) {
    const at = left.findIndex((group) => !waits(group, left));
    const [next] = left.splice(Math.max(at, 0), 1);
    if (next) sorted.push(next);
  }
  return sorted;
}

function waits(group: Group, left: readonly Group[]): boolean {
  return left.some(
    (other) => other !== group && other.some(({ name }) => group.some(({ after }) => after.includes(name))),
  );
}

/** Branches in an order all transactions share as far as their graphs let them: each after those it waits for, then by participant. */
export function lockOrder(branches: readonly PlannedBranch[]): PlannedBranch[] {
  const sorted: PlannedBranch[] = [];
  const left = branches.toSorted((a, b) => (a.participant < b.participant ? -1 : 1));
  while (left.length > 0) {
    const at = left.findIndex(({ after }) => !left.some(({ id }) => after.includes(id)));
    sorted.push(...left.splice(Math.max(at, 0), 1));
  }
  return sorted;
}

function branchOf(group: readonly StepType[], idOf: ReadonlyMap<string, string>): PlannedBranch {
  const [first] = group;
  if (!first) throw new RangeError("a branch has at least one step");
  const id = idOf.get(first.name) ?? "";
  const after = new Set(group.flatMap((step) => step.after.flatMap((name) => idOf.get(name) ?? [])));
  after.delete(id);
  return Object.freeze({
    id,
    participant: first.operation.participant,
    steps: group.map(({ name, operation }) => ({
      step: name,
      operation: operation.name,
      version: operation.facts.version,
    })),
    after: [...after].sort(),
    pivot: group.some(({ facts }) => facts.pivot),
    afterCommit: first.facts.afterCommit,
    droppable: group.every(({ facts }) => facts.droppable),
    external: first.operation.facts.acts === "external",
  });
}
