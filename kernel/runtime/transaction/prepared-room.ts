import type { Found, ManifestFacts, RuleChoice } from "./rule.ts";
import type { RulePlan } from "./rule-plan.ts";

/** What of one transaction waits prepared on one server at the same moment, as far as participants have told where they are. */
interface Share {
  readonly participants: readonly string[];
  readonly branches: number;
  /** How many the server prepares, for all that use it. */
  readonly allowed: number;
}

type Manifests = ReadonlyMap<string, ManifestFacts | undefined>;

/** Databases of one server share what it prepares: their names begin with what tells servers apart. */
function sharesOf({ branches }: RulePlan, manifests: Manifests): readonly Share[] {
  const told = branches.flatMap(({ participant }) => {
    const manifest = manifests.get(participant);
    return manifest ? [{ participant, manifest }] : [];
  });
  const servers = Map.groupBy(told, ({ manifest }) => manifest.database.replace(/\/.*$/s, ""));
  return [...servers.values()].map((group) => ({
    participants: [...new Set(group.map(({ participant }) => participant))],
    branches: group.length,
    allowed: Math.min(...group.map(({ manifest }) => manifest.preparedTransactions)),
  }));
}

/** Servers that prepare fewer branches than the transactions of this process take, by the limit that is written; by none, one of them. */
export function tooFewPrepared(
  plan: RulePlan,
  { facts, maxInFlight }: Pick<RuleChoice, "facts" | "maxInFlight">,
  manifests: Manifests = new Map(),
): Found[] {
  if (!facts.prepares) return [];
  return sharesOf(plan, manifests).flatMap((share) => {
    const { allowed, branches, participants } = share;
    if (allowed >= branches * (maxInFlight ?? 1)) return [];
    const what =
      allowed === 0
        ? `${serverOf(share)} prepares no transactions (max_prepared_transactions is 0)`
        : `${serverOf(share)} prepares ${allowed} transactions, fewer than ${needed(branches, maxInFlight)}`;
    return [{ what, participant: participants[0] ?? "" }];
  });
}

function needed(branches: number, maxInFlight: number | undefined): string {
  if (maxInFlight === undefined) return `the ${branches} branches of one`;
  return branches === 1
    ? `the ${maxInFlight} of maxInFlight`
    : `the ${branches} branches of each of ${maxInFlight} (maxInFlight)`;
}

/**
 * Sentences about servers that have room for fewer transactions than may be under way here, where that is nobody's decision.
 * @param maxInFlight the limit in force, which nobody has written
 */
export function tightlyPrepared(
  plan: RulePlan,
  { facts, maxInFlight }: { readonly facts: RuleChoice["facts"]; readonly maxInFlight: number },
  manifests: Manifests,
): readonly string[] {
  if (!facts.prepares || plan.ofOneBranch) return []; // a branch alone is committed as it is
  return sharesOf(plan, manifests).flatMap((share) => {
    const { allowed, branches } = share;
    if (allowed < branches || allowed >= branches * maxInFlight) return [];
    const room = Math.floor(allowed / branches);
    return [
      `${serverOf(share)} prepares ${allowed} transactions, which is room for ${room} at once with nothing else, and nobody has written maxInFlight (${maxInFlight}). What comes beyond waits for room, and is aborted at its deadline. Write maxInFlight, or raise max_prepared_transactions.`,
    ];
  });
}

function serverOf({ participants }: Share): string {
  const named = participants.map((one) => `'${one}'`);
  const last = named.pop();
  return `the server of ${named.length > 0 ? `${named.join(", ")} and ` : ""}${last}`;
}
