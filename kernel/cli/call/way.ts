import { cwd } from "node:process";
import type { Context } from "../../call/context.ts";
import type { App } from "../../config/app.ts";
import { installedPlugins } from "../../config/installed.ts";
import type { ServiceType } from "../../contract/types.ts";
import type { Catalogue } from "../../core/catalogue.ts";
import type { CoreConfig } from "../../core/config.ts";
import { pluginEntry } from "../../core/definitions.ts";
import { type Kernel, startKernel } from "../../core/kernel.ts";
import { formatProblems } from "../../core/problems.ts";
import type { Snapshot } from "../../spi/registry.ts";
import { registry } from "../../spi/registry.ts";
import type { AppFlags } from "../app-flags.ts";
import { exitCodes, UserError } from "../exit.ts";
import { ruledApp } from "../with-source.ts";
import type { World } from "../world.ts";
import { addressRegistry } from "./address-registry.ts";
import { declaredContract, reflectedContract } from "./find-contract.ts";
import { unknownService } from "./method-of.ts";

export interface WayFlags extends AppFlags {
  readonly address?: string;
  readonly app?: string;
  readonly protocol: string;
  readonly contract?: string;
}

/** A kernel that only calls, and the contract of the service it is to call. */
export interface Way {
  readonly kernel: Kernel;
  readonly contract: ServiceType;
}

/** What is known before a way is found. */
interface Search {
  readonly world: World;
  readonly service: string;
  readonly flags: WayFlags;
  readonly context: Context;
  /** Nothing as long as the server has to be asked. */
  readonly contract: ServiceType | undefined;
}

/** Makes a call possible: to an address, or wherever the registry of an app says. Throws a UserError that says what is missing. */
export async function openWay(world: World, service: string, flags: WayFlags, context: Context): Promise<Way> {
  const contract = flags.contract === undefined ? undefined : await declaredContract(flags.contract, service);
  const search = { world, service, flags, context, contract };
  if (flags.app !== undefined) return throughApp(search, flags.app);
  if (flags.address === undefined) {
    throw new UserError("say where to call: --address host:port, or --app shop.yaml for what its registry knows");
  }
  const { catalogue } = await installedPlugins(cwd());
  return atAddress(search, flags.address, { catalogue, options: {} });
}

interface Means {
  readonly catalogue: Catalogue;
  readonly options: CoreConfig["options"];
}

async function atAddress(search: Search, address: string, { catalogue, options }: Means): Promise<Way> {
  const { world, service, flags, context } = search;
  const { protocol } = flags;
  const use = { clients: "runtime", protocol, registry: "address", filter: ["-default"], tracer: "off" };
  const all = [...catalogue, pluginEntry(addressRegistry(address, protocol))];
  const kernel = await startKernel({ catalogue: all, ports: world.ports }, { use, options });
  try {
    return { kernel, contract: search.contract ?? (await reflectedContract(kernel, service, context)) };
  } catch (error) {
    await kernel.stop();
    throw error;
  }
}

async function throughApp(search: Search, file: string): Promise<Way> {
  const { world, service, flags } = search;
  const app = await ruledApp(world, file, flags);
  if (app.problems.length > 0) throw new UserError(formatProblems(app.problems), exitCodes.problems);
  const known = { ...search, contract: search.contract ?? app.contracts.services.get(service) };
  if (flags.address !== undefined) return atAddress(known, flags.address, meansOf(app));
  const kernel = await startKernel({ catalogue: app.catalogue, ports: world.ports }, callingConfig(app, file));
  if (known.contract) return { kernel, contract: known.contract };
  try {
    return await atAddress(known, await addressOf(kernel, service, flags.protocol), meansOf(app));
  } finally {
    await kernel.stop();
  }
}

/** How the app reaches others; what it says about calls is for its registry. */
function meansOf({ catalogue, core }: App): Means {
  const options = Object.entries(core.options).filter(([key]) => key.startsWith("protocol/"));
  return { catalogue, options: Object.fromEntries(options) };
}

/** What needs not be started of an app in order to call: what keeps data, serves or exports. */
const notForCalls = new Set(["service", "server", "store", "bus", "telemetry", "tracer"]);

function callingConfig({ core }: App, file: string): CoreConfig {
  if ([core.use.registry ?? "memory"].flat()[0] === "memory") {
    const message = `${file} uses registry/memory, which only its own process can read; call with --address host:port`;
    throw new UserError(message, exitCodes.problems);
  }
  const kept = Object.entries(core.use).filter(([spi]) => !notForCalls.has(spi));
  return { ...core, use: { ...Object.fromEntries(kept), clients: "runtime", tracer: "off" } };
}

/** Where the registry says that a service runs, so that it can be asked for its contract. */
async function addressOf(kernel: Kernel, service: string, protocol: string): Promise<string> {
  const known = kernel.get(registry);
  let snapshot: Snapshot = [];
  const watch = await known.watch(service, (found) => {
    snapshot = found;
  });
  await watch.close();
  const address = snapshot.find((instance) => instance.protocol === protocol)?.address;
  if (address !== undefined) return address;
  throw unknownService(`the registry knows no ${protocol} instance of`, service, await known.services());
}
