import type { Catalogue } from "../core/catalogue.ts";
import type { ConfigPath, CoreConfig, Location, UseValue } from "../core/config.ts";
import type { AppFile } from "./app-file.ts";
import { withChosen, withStrategies } from "./chosen.ts";
import type { ReadConfig } from "./read-config.ts";

/** The plugin that knows the app's name and policies, unless the app selects another. */
export const policiesKey = "policies/config";

/** The same for transactions. */
export const transactionPoliciesKey = "transaction-policies/config";

type Use = Readonly<Record<string, UseValue>>;
type Locate = (path: ConfigPath) => Location;

/** What the kernel is to run for an app file: its services and a server for them, and what policies choose. */
export function coreConfig(
  { file, locate, lasting }: Pick<ReadConfig, "file" | "locate" | "lasting">,
  catalogue: Catalogue,
): CoreConfig {
  const services = file.services.map(({ name = "" }) => name);
  const served = services.length > 0 ? { server: "runtime", service: services } : {};
  const chosen = withChosen(file.use, file.policies, catalogue);
  const use = { ...served, ...withStrategies(chosen, { transactions: file.transactions, lasting }, catalogue) };
  const policies = { ...(file.options[policiesKey] as object), app: file.app, table: file.policies };
  const transactions = { ...(file.options[transactionPoliciesKey] as object), table: file.transactions };
  const own = file.use["transaction-policies"] === undefined && Object.keys(file.transactions).length > 0;
  return {
    use,
    options: {
      ...file.options,
      ...(file.use.policies === undefined && { [policiesKey]: policies }),
      ...(own && { [transactionPoliciesKey]: transactions }),
    },
    locate: locateIn(file, use, locate),
  };
}

/** What the kernel knows under `use` and `options` and an app file writes elsewhere is found where it is written. */
function locateIn({ services, policies, transactions, use: written }: AppFile, use: Use, locate: Locate): Locate {
  return (path) => {
    const [top, second, third, ...rest] = path;
    if (top === "options" && second === policiesKey && third === "table") return locate(["policies", ...rest]);
    if (top === "options" && second === policiesKey && third === "app") return locate(["app"]);
    if (top === "options" && second === transactionPoliciesKey && third === "table")
      return locate(["transactions", ...rest]);
    if (top === "use" && second === "server" && written.server === undefined) return locate(["services"]);
    if (top !== "use" || third === undefined) return locate(path);
    const spi = String(second);
    const name = nameAt(use[spi], third);
    if (spi === "service") return services.find((service) => service.name === name)?.at ?? locate(["services"]);
    if (spi === "transaction" && name !== nameAt(written[spi], third)) {
      const chooser = Object.keys(transactions).find((each) => transactions[each]?.strategy === name);
      return locate(chooser === undefined ? ["transactions"] : ["transactions", chooser, "strategy"]);
    }
    const target = Object.keys(policies).find((each) => policies[each]?.[spi] === name);
    const byPolicy = target !== undefined && name !== nameAt(written[spi], third);
    return locate(byPolicy ? ["policies", target, spi] : path);
  };
}

function nameAt(value: UseValue | undefined, step: string | number): string | undefined {
  if (typeof value === "string") return step === 0 ? value : undefined;
  return (value as Readonly<Record<string | number, string>> | undefined)?.[step];
}
