import type { OperationFacts } from "../../contract/transaction/operation.ts";
import type { AnyTransaction, StepType, TransactionNeeds } from "../../contract/transaction/transaction.ts";
import type { PlannedBranch } from "../../spi/coordinator.ts";
import { branchesOf } from "./branches.ts";

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
  /** Where it stands to the pivot; without one everything that decides the outcome is before it. */
  readonly pivot: "before" | "itself" | "beyond";
}

/** A transaction as plain data: all that rules about plans look at. */
export interface RulePlan {
  readonly transaction: string;
  readonly needs: TransactionNeeds;
  readonly steps: readonly RuleStep[];
  /** The branches that decide the outcome. */
  readonly branches: readonly PlannedBranch[];
}

/** Reads a transaction for the rules. */
export function rulePlan({ name, needs, steps }: AnyTransaction): RulePlan {
  const all: readonly StepType[] = Object.values(steps);
  const { main } = branchesOf({ steps });
  const first = new Set(main[0]?.steps.map(({ step }) => step));
  const waiting = beyond(all, all.find(({ facts }) => facts.pivot)?.name);
  const read = ({ name: step, operation, uses, facts }: StepType): RuleStep => ({
    name: step,
    operation: `${operation.participant}.${operation.name}`,
    participant: operation.participant,
    facts: operation.facts,
    uses,
    droppable: facts.droppable,
    place: facts.afterCommit ? "later" : first.has(step) ? "first" : "further",
    pivot: facts.pivot ? "itself" : waiting.has(step) ? "beyond" : "before",
  });
  return { transaction: name, needs, steps: all.map(read), branches: main };
}

/** The steps that wait for the pivot, directly or not. Steps come in an order in which each is behind those it waits for. */
function beyond(steps: readonly StepType[], pivot: string | undefined): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { name, after } of steps) if (after.some((one) => one === pivot || found.has(one))) found.add(name);
  return found;
}
