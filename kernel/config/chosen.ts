import type { Catalogue } from "../core/catalogue.ts";
import type { UseValue } from "../core/config.ts";
import { nameOf, spiOf } from "../core/definitions.ts";
import { readUse } from "../core/use.ts";
import type { PolicyTable } from "../runtime/policy.ts";
import type { TransactionTable } from "../runtime/transaction-policy.ts";
import { breaker } from "../spi/breaker.ts";
import { bus } from "../spi/bus.ts";
import { cache } from "../spi/cache.ts";
import { cluster } from "../spi/cluster.ts";
import { identity } from "../spi/identity.ts";
import { limiter } from "../spi/limiter.ts";
import { loadBalancer } from "../spi/loadbalancer.ts";
import { protocol } from "../spi/protocol.ts";
import { serializer } from "../spi/serializer.ts";

/** The SPIs whose plugin a policy chooses by name, under the id of the SPI. */
export const chosenSpis = [
  protocol,
  serializer,
  loadBalancer,
  cluster,
  bus,
  breaker,
  limiter,
  identity,
  cache,
] as const;

/** The plugins of this SPI are chosen in `transactions`. */
const strategySpi = "transaction";

type Use = Readonly<Record<string, UseValue>>;

/** Adds to `use` what policies choose and nobody listed, after what is there; so `use` keeps naming the default. */
export function withChosen(use: Use, policies: PolicyTable, catalogue: Catalogue): Use {
  const ids = new Set(catalogue.map(({ id }) => id));
  const added = chosenSpis.flatMap(({ id, fallback = "" }) => {
    const known = knownNames(id, use);
    const names = chosenNames(policies, id).filter((name) => !known.has(name) && ids.has(`${id}/${name}`));
    return names.length === 0 ? [] : [[id, extended(use[id] ?? [fallback].filter(Boolean), names)] as const];
  });
  return { ...use, ...Object.fromEntries(added) };
}

/**
 * Adds to `use` what drives transactions: all installed strategies, so that what began under one can end after the line
 * was edited; to a list of the app's own only those that are named where no central rules are, for what those bring would
 * go with them while transactions still need it.
 */
export function withStrategies(
  use: Use,
  { transactions, lasting }: { readonly transactions: TransactionTable; readonly lasting: TransactionTable },
  catalogue: Catalogue,
): Use {
  const installed = installedStrategies(catalogue);
  const written = use[strategySpi];
  if (Object.keys(transactions).length === 0 || installed.length === 0) return use;
  if (written === undefined) return { ...use, [strategySpi]: installed.sort() };
  const known = knownNames(strategySpi, use);
  const names = chosenNames(lasting, "strategy").filter((name) => !known.has(name) && installed.includes(name));
  return names.length === 0 ? use : { ...use, [strategySpi]: extended(written, names) };
}

/** The names of all strategies that could be used. */
export function installedStrategies(catalogue: Catalogue): string[] {
  return catalogue.filter(({ id }) => spiOf(id) === strategySpi).map(({ id }) => nameOf(id));
}

/** What policies can call the plugins of an SPI: names and aliases, or the fallback if none is listed. */
export function knownNames(spi: string, use: Use): Set<string> {
  const { entries } = readUse(spi, use[spi]).use;
  const fallback = chosenSpis.find(({ id }) => id === spi)?.fallback;
  if (entries.length === 0 && fallback !== undefined) return new Set([fallback]);
  return new Set(entries.flatMap(({ name, alias }) => [name, alias]));
}

function chosenNames(policies: PolicyTable | TransactionTable, spi: string): string[] {
  const names = Object.values(policies).map((fields) => fields[spi]);
  return [...new Set(names.filter((name): name is string => typeof name === "string" && name !== ""))];
}

function extended(value: UseValue, names: readonly string[]): UseValue {
  if (typeof value === "string") return [value, ...names];
  if (Array.isArray(value)) return [...value, ...names];
  return { ...(value as Readonly<Record<string, string>>), ...Object.fromEntries(names.map((name) => [name, name])) };
}
