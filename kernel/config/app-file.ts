import type { UseValue } from "../core/config.ts";
import { suggestion } from "../core/nearest.ts";
import type { PolicyTable } from "../runtime/policy.ts";
import { isPolicyTarget } from "../runtime/policy-target.ts";
import type { TransactionTable } from "../runtime/transaction-policy.ts";
import { type Inside, inside, mapAt, type Spot, textAt, under, wrong } from "./expect.ts";
import { describe, isNull, type Node, plain } from "./node.ts";
import type { Report } from "./problem.ts";
import { type FileReference, patterns, pluginForm, references, serviceForm } from "./references.ts";
import { transactionTable } from "./transaction-table.ts";

/** What an app file says, checked as far as that is possible without knowing the plugins. */
export interface AppFile {
  readonly app: string;
  readonly use: Readonly<Record<string, UseValue>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly services: readonly FileReference[];
  readonly plugins: readonly FileReference[];
  readonly policies: PolicyTable;
  readonly transactions: TransactionTable;
}

export const appKeys = ["app", "use", "options", "services", "plugins", "policies", "transactions"] as const;

const nothing: AppFile = { app: "", use: {}, options: {}, services: [], plugins: [], policies: {}, transactions: {} };

/** Checks the shape of an app file; keys that begin with `x-` are free, for what anchors refer to. Everything wrong is reported; what is right comes back. */
export function readAppFile(root: Node, report: Report): AppFile {
  if (root.kind !== "map") {
    const what = isNull(root) ? "the configuration is empty" : `the configuration must be a map, not ${describe(root)}`;
    report("CONFIG_EMPTY", `${what}; begin with \`app: <name>\``, root.at);
    return nothing;
  }
  for (const [name, { key }] of root.entries) {
    if (name.startsWith("x-") || appKeys.some((known) => known === name)) continue;
    report("CONFIG_UNKNOWN_KEY", `unknown key "${name}".${suggestion(name, appKeys)}`, key, [name]);
  }
  const spot = (key: (typeof appKeys)[number]) => under(root, key, report);
  return {
    app: appName(spot("app")) ?? missingApp(root, report),
    use: useTable(spot("use")),
    options: optionTable(spot("options")),
    services: references(spot("services"), serviceForm, root.at.file),
    plugins: references(spot("plugins"), pluginForm, root.at.file),
    policies: policyTable(spot("policies")),
    transactions: transactionTable(spot("transactions")),
  };
}

function appName(spot: Spot | undefined): string | undefined {
  if (!spot) return undefined;
  const name = textAt(spot, "the name of the app") ?? "";
  if (name && !patterns.name.test(name)) wrong(spot, "a name in kebab-case, for example web-shop");
  return name;
}

function missingApp({ at }: Node, report: Report): string {
  report("CONFIG_MISSING", "app is missing; begin with `app: <name>`", at, ["app"]);
  return "";
}

function useTable(spot: Spot | undefined): Record<string, UseValue> {
  if (!spot || !mapAt(spot, "plugins by extension point, for example `loadbalancer: random`")) return {};
  const entries = inside(spot).map(
    (child) => [child.key, child.key === "service" ? misplaced(child) : useValue(child)] as const,
  );
  return Object.fromEntries(entries.filter((entry): entry is [string, UseValue] => entry[1] !== undefined));
}

function misplaced({ keyAt, path, report }: Inside): undefined {
  report("CONFIG_UNKNOWN_KEY", "services are not listed under use; list them under the key services", keyAt, path);
}

function useValue(spot: Spot): UseValue | undefined {
  const { kind } = spot.node;
  if (kind === "scalar") return textAt(spot, "the name of a plugin, a list of names, or names by alias");
  const names = inside(spot).flatMap((child) => {
    const name = textAt(child, "the name of a plugin");
    return name === undefined ? [] : [[child.key, name] as const];
  });
  return kind === "list" ? names.map(([, name]) => name) : Object.fromEntries(names);
}

function optionTable(spot: Spot | undefined): Record<string, unknown> {
  if (!spot || !mapAt(spot, "options by plugin, for example `protocol/grpc: { port: 50051 }`")) return {};
  return Object.fromEntries(inside(spot).map(({ key, node }) => [key, plain(node)]));
}

function policyTable(spot: Spot | undefined): PolicyTable {
  if (!spot || !mapAt(spot, 'policies by service or method, for example `"*": { timeoutMs: 1000 }`')) return {};
  const entries = inside(spot).flatMap((child): [string, Record<string, unknown>][] => {
    const target = String(child.key);
    if (!isPolicyTarget(target)) return unknownTarget(child, target) ?? [];
    const fields = mapAt(child, "policy fields, for example `{ timeoutMs: 1000 }`");
    return fields ? [[target, plain(fields) as Record<string, unknown>]] : [];
  });
  return Object.fromEntries(entries);
}

function unknownTarget({ keyAt, path, report }: Inside, target: string): undefined {
  const forms = '"*", a service (shop.order.v1.Orders), a pattern (shop.*) or a method (shop.order.v1.Orders/place)';
  report("CONFIG_POLICY_TARGET", `"${target}" is nothing a policy can be for; write ${forms}`, keyAt, path);
}
