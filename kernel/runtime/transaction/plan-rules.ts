import type { Isolation } from "../../contract/transaction/transaction.ts";
import { eachStep, type Found, ofPlan, type Rule } from "./rule.ts";
import type { RulePlan, RuleStep } from "./rule-plan.ts";

const strongest: readonly Isolation[] = ["full", "locked", "reserved", "none"];

/** The rules about plans. Types know them as well: `StrategyProblem` says the same in the same words. */
export const planRules: readonly Rule[] = [
  ofPlan("DTX002", (plan, { facts }) =>
    eachStep(plan, (step) =>
      facts.needsUndo && step.place !== "later" && step.pivot === "before" && !step.facts.undo
        ? "has no undo"
        : undefined,
    ),
  ),
  ofPlan("DTX003", (plan, { facts }) =>
    eachStep(plan, (step) => {
      const barred = step.place === "first" && facts.rejects === "first-branch"; // its rows travel with those of the outbox
      const outside = step.facts.acts === "external" && step.place !== "later";
      return outside && (!facts.external || barred) ? "acts outside the database" : undefined;
    }),
  ),
  ofPlan("DTX003", (plan, { facts }) =>
    eachStep(plan, (step) => (!facts.long && step.facts.long && step.place !== "later" ? "takes long" : undefined)),
  ),
  ofPlan("DTX004", (plan, { facts: { rejects } }) =>
    eachStep(
      plan,
      (step) => {
        const tooLate =
          rejects === "first-branch" ? step.place === "further" : rejects === "before-pivot" && step.pivot === "beyond";
        const refusable = step.facts.rejects.length > 0 && step.place !== "later";
        return refusable && tooLate ? "may be refused when there is no way back" : undefined;
      },
      reasons,
    ),
  ),
  ofPlan("DTX005", ({ needs }, { facts: { isolation } }) =>
    strongest.indexOf(isolation) > strongest.indexOf(needs.isolation)
      ? [{ what: `isolation is '${isolation}' where '${needs.isolation}' is needed` }]
      : [],
  ),
  ofPlan("DTX006", ({ needs }, { facts }) =>
    needs.reply === "final" && facts.reply === "accepted" ? [{ what: "it answers before the outcome is final" }] : [],
  ),
  ofPlan("DTX007", (plan, { facts }) =>
    eachStep(plan, (step) =>
      facts.mayDrop && step.place !== "first" && !step.droppable ? "may be lost and is not droppable" : undefined,
    ),
  ),
  ofPlan("DTX015", ({ branches }, { facts }) =>
    facts.prepares
      ? twice(branches.map(({ participant }) => participant)).map((participant) => ({
          what: `two branches of '${participant}' may wait for each other`,
          more: apart(participant, branches),
          participant,
        }))
      : [],
  ),
  ofPlan("DTX016", (plan) =>
    eachStep(
      plan,
      (step) =>
        step.place === "later" && step.facts.rejects.length > 0 ? "may be refused after the commit" : undefined,
      reasons,
    ),
  ),
  ofPlan("DTX017", (plan, { facts }) =>
    facts.rejects === "first-branch" ? plan.steps.flatMap((step) => unanswered(step, plan)) : [],
  ),
  ofPlan("DTX018", (plan, { facts }) =>
    eachStep(plan, (step) =>
      facts.oneBranch && step.place !== "first" ? "is in another database transaction than the first" : undefined,
    ),
  ),
];

function reasons({ operation, facts: { rejects } }: RuleStep): string {
  return `Operation ${operation} rejects ${rejects.join(", ")}.`;
}

/** For example `Steps 'coupon' and 'more' are in branches of their own.` */
function apart(participant: string, branches: RulePlan["branches"]): string {
  const own = branches.filter((branch) => branch.participant === participant);
  const named = own.map(({ steps }) => steps.map(({ step }) => `'${step}'`).join(" with "));
  return `Steps ${named.slice(0, -1).join(", ")} and ${named.at(-1)} are in branches of their own.`;
}

function twice(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

function unanswered({ name, uses, place, participant }: RuleStep, { steps }: RulePlan): Found[] {
  if (place === "first") return [];
  return uses
    .filter((used) => steps.find((step) => step.name === used)?.place !== "first")
    .map((used) => ({
      what: `step '${name}' uses the output of step '${used}', which does not come back`,
      step: name,
      participant,
    }));
}
