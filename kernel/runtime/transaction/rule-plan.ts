import type { OperationFacts } from "../../contract/transaction/operation.ts";
import type { AnyTransaction, StepType, TransactionNeeds } from "../../contract/transaction/transaction.ts";
import type { PlannedBranch } from "../../spi/coordinator.ts";
import { branchesOf, isOneBranch } from "./branches.ts";

/** A step as the rules see it. */
export interface RuleStep {
  readonly name: string;
  /** For example `shop.inventory.v1.Stock.deduct`. */
  readonly operation: string;
  readonly participant: string;
  readonly facts: OperationFacts;
  readonly uses: readonly string[];
  readonly droppable: boolean;
  /** In the branch that comes first, in another that decides the outcome, or after the commit. */
  readonly place: "first" | "further" | "later";
  /** Where its branch stands to that of the pivot; without one everything that decides the outcome is before it. */
  readonly pivot: "before" | "itself" | "beyond";
}

/** A transaction as plain data: all that rules about plans look at. */
export interface RulePlan {
  readonly transaction: string;
  readonly needs: TransactionNeeds;
  readonly steps: readonly RuleStep[];
  /** The branches that decide the outcome. */
  readonly branches: readonly PlannedBranch[];
  /** The commit of its only branch is all there is to decide. */
  readonly ofOneBranch: boolean;
}

/** Reads a transaction for the rules. */
export function rulePlan({ name, needs, steps }: AnyTransaction): RulePlan {
  const all: readonly StepType[] = Object.values(steps);
  const planned = branchesOf({ steps });
  const { main } = planned;
  const homes = new Map(main.flatMap((branch) => branch.steps.map(({ step }) => [step, branch] as const)));
  const behind = behindPivot(main);
  const read = ({ name: step, operation, uses, facts }: StepType): RuleStep => {
    const home = homes.get(step);
    return {
      name: step,
      operation: `${operation.participant}.${operation.name}`,
      participant: operation.participant,
      facts: operation.facts,
      uses,
      droppable: facts.droppable,
      place: home === undefined ? "later" : home === main[0] ? "first" : "further",
      pivot: home?.pivot ? "itself" : home === undefined || behind.has(home.id) ? "beyond" : "before",
    };
  };
  return { transaction: name, needs, steps: all.map(read), branches: main, ofOneBranch: isOneBranch(planned) };
}

/** Ids of the branches that wait for that of the pivot, directly or not. Each comes after those it waits for. */
function behindPivot(branches: readonly PlannedBranch[]): ReadonlySet<string> {
  const pivot = branches.find((branch) => branch.pivot)?.id;
  const found = new Set<string>();
  for (const { id, after } of branches) if (after.some((one) => one === pivot || found.has(one))) found.add(id);
  return found;
}
