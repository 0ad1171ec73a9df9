import { tooFewPrepared } from "./prepared-room.ts";
import {
  eachStep,
  type Found,
  type ManifestFacts,
  ofWorld,
  type Rule,
  type RuleBus,
  type RuleChoice,
  type RuleWorld,
} from "./rule.ts";
import type { RulePlan } from "./rule-plan.ts";
import { unfitFor } from "./versions.ts";

/** The rules about what is around a transaction: the configuration, its participants, the coordinator and the bus. */
export const worldRules: readonly Rule[] = [
  ofWorld("DTX008", (plan, choice, world) =>
    tooFewPrepared(plan, choice, world).map((found) => ({ ...found, field: "maxInFlight" })),
  ),
  ofWorld("DTX009", (plan, _, world) =>
    participants(plan).flatMap((name) => unfenced(name, world.manifests?.get(name), world.fenceVersion)),
  ),
  ofWorld("DTX010", (plan, _, { manifests }) =>
    participants(plan).flatMap((name) => (manifests?.has(name) ? unknown(name, plan, manifests.get(name)) : [])),
  ),
  ofWorld("DTX012", (plan, { facts }, { bus, performedHere }) =>
    bus && facts.reply === "accepted" && !facts.mayDrop ? lossy(bus, plan, performedHere) : [],
  ),
  ofWorld("DTX013", (_, __, { coordinator, highlyAvailable = false }) => {
    if (!coordinator || !highlyAvailable) return [];
    if (!coordinator.durable) return [{ what: "the coordinator forgets decisions with its process" }];
    return coordinator.replicated ? [] : [{ what: "the coordinator has no synchronous standby" }];
  }),
  ofWorld("DTX014", (plan, choice, world) => [
    ...lapses(plan, choice),
    ...outlives(choice, world.retentionMs),
    ...(plan.ofOneBranch ? [] : forgetsFirst(world)),
  ]),
  ofWorld("DTX015", (plan, { facts }, world) => (facts.prepares ? contended(plan, world) : [])),
  ofWorld("DTX019", ({ branches: [first] }, { facts }, { performedHere }) =>
    first && facts.ownFirst && performedHere && !performedHere.has(first.participant)
      ? [
          {
            what: `the first branch is on '${first.participant}', which is not performed where the transaction begins`,
            participant: first.participant,
          },
        ]
      : [],
  ),
  ofWorld("DTX021", (plan, { facts }, { coordinatorIdentity, manifests }) =>
    asking(plan, facts).flatMap((participant) => {
      const other = manifests?.get(participant)?.coordinator;
      if (!other || !coordinatorIdentity || other === coordinatorIdentity) return [];
      return [{ what: `'${participant}' asks another coordinator than this process`, participant }];
    }),
  ),
];

/** Participants that may have to ask how it was decided. */
function asking(plan: RulePlan, { recordDecides, ownFirst }: RuleChoice["facts"]): readonly string[] {
  if (recordDecides) return participants(plan);
  const outside = plan.steps.filter(({ facts }) => facts.acts === "external" && !ownFirst);
  return [...new Set(outside.map(({ participant }) => participant))];
}

function participants({ steps }: RulePlan): string[] {
  return [...new Set(steps.map(({ participant }) => participant))];
}

function unfenced(participant: string, manifest: ManifestFacts | undefined, fenceVersion = 1): Found[] {
  if (!manifest) return [];
  const { fenceVersion: version, defaultIsolation } = manifest;
  const old =
    version < fenceVersion ? [`the fence of '${participant}' has version ${version}, not ${fenceVersion}`] : [];
  const isolated = /^read[ _]committed$/i.test(defaultIsolation)
    ? []
    : [`the database of '${participant}' begins transactions as '${defaultIsolation}'`];
  return [...old, ...isolated].map((what) => ({ what, participant }));
}

function unknown(participant: string, { steps }: RulePlan, manifest: ManifestFacts | undefined): Found[] {
  if (!manifest) return [{ what: `'${participant}' does not tell what it performs`, participant }];
  return steps
    .filter((step) => step.participant === participant)
    .flatMap(({ name, operation, facts: { version } }) => {
      const known = manifest.operations.find((one) => operation === `${participant}.${one.name}`);
      const why = unfitFor(version, known);
      if (why === undefined) return [];
      return [
        {
          what: `step '${name}' needs ${operation} version ${version}; '${participant}' ${why}`,
          step: name,
          participant,
        },
      ];
    });
}

function lossy(
  { name, durable, keptUntilDone }: RuleBus,
  plan: RulePlan,
  performedHere: ReadonlySet<string> | undefined,
): Found[] {
  if (durable) return [];
  if (!keptUntilDone) return [{ what: `bus '${name}' may lose messages, and nothing else keeps them` }];
  const elsewhere = plan.steps.filter(
    ({ place, participant }) => place !== "first" && !performedHere?.has(participant),
  );
  return performedHere
    ? elsewhere.map((step) => ({
        what: `step '${step.name}' is performed elsewhere, where bus '${name}' does not reach`,
        step: step.name,
        participant: step.participant,
      }))
    : [];
}

function lapses(plan: RulePlan, { facts, deadlineMs }: RuleChoice): Found[] {
  if (facts.isolation !== "reserved") return [];
  const found = eachStep(plan, ({ place, facts: { expiresMs } }) => {
    if (place === "later" || expiresMs === undefined || (deadlineMs ?? Infinity) < expiresMs) return undefined;
    return `keeps its reservation for ${expiresMs} ms, and the deadline is ${deadlineMs === undefined ? "none" : `${deadlineMs} ms`}`;
  });
  return found.map((one) => ({ ...one, field: "deadlineMs" }));
}

function outlives({ facts, deadlineMs = 0, scheduleMs = [] }: RuleChoice, retentionMs: number | undefined): Found[] {
  const longest = facts.mayDrop ? scheduleMs.reduce((sum, gap) => sum + gap, 0) : deadlineMs;
  if (retentionMs === undefined || longest < retentionMs) return [];
  const what = `fence rows are kept for ${retentionMs} ms, and a repetition may come after ${longest} ms`;
  return [{ what, field: facts.mayDrop ? "scheduleMs" : "deadlineMs" }];
}

/** A key that fences know and the record does not is not told apart from one that was used for something else. */
function forgetsFirst({ retentionMs, keepsEndedMs }: RuleWorld): Found[] {
  if (retentionMs === undefined || keepsEndedMs === undefined || keepsEndedMs >= retentionMs + walkMs) return [];
  const what = `the coordinator keeps what has ended for ${keepsEndedMs} ms, and fence rows may stay for ${retentionMs + walkMs} ms`;
  return [{ what }];
}

/** How much later than they may a row of a fence is removed at the latest, in milliseconds. */
const walkMs = 86_400_000;

/** Branches of different participants in one database that contend for the same kind of thing. */
function contended({ branches }: RulePlan, { manifests, keys }: RuleWorld): Found[] {
  const prefixes = (steps: readonly { readonly step: string }[]) =>
    new Set(steps.flatMap(({ step }) => keys?.get(step) ?? []).map((key) => key.replace(/:.*$/s, "")));
  return branches.flatMap((branch, index) =>
    branches.slice(index + 1).flatMap((other) => {
      const database = manifests?.get(branch.participant)?.database;
      if (!database || branch.participant === other.participant) return [];
      if (manifests?.get(other.participant)?.database !== database) return [];
      const shared = [...prefixes(branch.steps)].find((prefix) => prefixes(other.steps).has(prefix));
      const both = `'${branch.participant}' and '${other.participant}' share a database and both contend for '${shared}'`;
      return shared === undefined ? [] : [{ what: both, participant: branch.participant }];
    }),
  );
}
