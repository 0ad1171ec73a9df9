import type { Found, RuleChoice, RuleWorld, ServerRoom } from "./rule.ts";
import type { RulePlan } from "./rule-plan.ts";

/** What of one transaction waits prepared on one server at the same moment, as far as it is known where participants are. */
interface Share {
  readonly participants: readonly string[];
  readonly branches: number;
  /** How many the server prepares, for all that use it. */
  readonly allowed: number;
}

type Known = Pick<RuleWorld, "manifests" | "rooms">;

/** Databases of one server share what it prepares: their names begin with what tells servers apart. */
function roomOf(participant: string, { manifests, rooms }: Known): ServerRoom | undefined {
  const manifest = manifests?.get(participant);
  if (!manifest) return rooms?.get(participant);
  return { server: manifest.database.replace(/\/.*$/s, ""), preparedTransactions: manifest.preparedTransactions };
}

function sharesOf({ branches }: RulePlan, known: Known): readonly Share[] {
  const told = branches.flatMap(({ participant }) => {
    const room = roomOf(participant, known);
    return room ? [{ participant, room }] : [];
  });
  const servers = Map.groupBy(told, ({ room }) => room.server);
  return [...servers.values()].map((group) => ({
    participants: [...new Set(group.map(({ participant }) => participant))],
    branches: group.length,
    allowed: Math.min(...group.map(({ room }) => room.preparedTransactions)),
  }));
}

/** Servers that prepare fewer branches than the transactions of this process take, by the limit that is written; by none, one of them. */
export function tooFewPrepared(
  plan: RulePlan,
  { facts, maxInFlight }: Pick<RuleChoice, "facts" | "maxInFlight">,
  known: Known,
): Found[] {
  if (!facts.prepares || plan.ofOneBranch) return []; // a branch alone is committed as it is
  return sharesOf(plan, known).flatMap((share) => {
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
  manifests: RuleWorld["manifests"],
): readonly string[] {
  if (!facts.prepares || plan.ofOneBranch) return [];
  return sharesOf(plan, { manifests }).flatMap((share) => {
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
