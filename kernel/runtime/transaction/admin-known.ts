import type { StatusError } from "../../call/status.ts";
import { builtInStrategies } from "../../contract/transaction/strategy.ts";
import type { TransactionNode } from "./node.ts";
import { invalid } from "./refusals.ts";

/** What may be named of transactions; empty: nothing. */
export interface Named {
  readonly name: string;
  readonly strategy: string;
}

/**
 * For whoever found nothing: throws INVALID_ARGUMENT, with what is known, where a name or strategy is none that anybody has.
 *
 * @param which `open ` where only those count that have not ended
 */
export async function checkMeant(node: TransactionNode, { name, strategy }: Named, which = ""): Promise<void> {
  if (name === "" && strategy === "") return;
  const counts = await node.coordinator().counts();
  const ended = async (filter: Partial<Named>) =>
    which === "" && (await node.coordinator().find({ ...filter, limit: 1 })).length > 0;
  const names = new Set([...node.initiated.keys(), ...counts.map((one) => one.name)]);
  if (name !== "" && !names.has(name) && !(await ended({ name })))
    throw invalid(`no ${which}transaction is named "${name}"; ${listed(names)}`);
  const installed = Object.keys(builtInStrategies).filter((one) => node.strategy(one) !== undefined);
  const strategies = new Set([...installed, ...counts.map((one) => one.strategy)]);
  const unheard = !strategies.has(strategy) && !Object.hasOwn(builtInStrategies, strategy) && !node.strategy(strategy);
  if (strategy !== "" && unheard && !(await ended({ strategy })))
    throw invalid(`no ${which}transaction goes by a strategy "${strategy}"; ${listed(strategies)}`);
}

/** Says of a participant that nobody has which there are. */
export function noParticipant(name: string, known: Iterable<string>): StatusError {
  return invalid(`no participant is called "${name}"; ${listed(new Set(known))}`);
}

/** The same for one that was asked and did not answer, for others may know it. */
export function nobodyCalled(name: string, known: Iterable<string>): StatusError {
  const what = `no transaction that is begun here has a participant "${name}", and none of that name answers`;
  return invalid(`${what}; ${listed(new Set(known))}`);
}

function listed(known: ReadonlySet<string>): string {
  return known.size === 0 ? "there is none" : `there are ${[...known].sort().join(", ")}`;
}
