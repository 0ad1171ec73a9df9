import type { Context } from "../call/context.ts";
import { StatusError } from "../call/status.ts";
import type { App } from "../config/app.ts";
import type { ServiceType } from "../contract/types.ts";
import type { Catalogue } from "../core/catalogue.ts";
import type { CoreConfig } from "../core/config.ts";
import { pluginEntry } from "../core/definitions.ts";
import { type Kernel, startKernel } from "../core/kernel.ts";
import type { Ports } from "../core/ports.ts";
import { type Registry, registry, type Snapshot } from "../spi/registry.ts";
import { clients } from "../spi/runtime.ts";
import { addressRegistry } from "./address-registry.ts";
import { misuse, unknownService } from "./method-of.ts";
import { reflector } from "./reflection.ts";

/** A kernel that only calls, and what it can find out about services. */
export interface Way {
  readonly kernel: Kernel;
  /** The contract of a service, as somebody who serves it describes it. */
  contract(service: string, context: Context): Promise<ServiceType>;
  /** Names of the services that can be called. */
  services(context: Context): Promise<readonly string[]>;
}

/** What a kernel that calls one address is made of. */
export interface Means {
  readonly ports: Ports;
  readonly catalogue: Catalogue;
  readonly options: CoreConfig["options"];
  readonly protocol: string;
}

/** A way to one address, whatever is there. */
export async function wayTo(address: string, { ports, catalogue, options, protocol }: Means): Promise<Way> {
  const use = { clients: "runtime", protocol, registry: "address", filter: ["-default"], tracer: "off" };
  const all = [...catalogue, pluginEntry(addressRegistry(address, protocol))];
  const kernel = await startKernel({ catalogue: all, ports }, { use, options });
  const asking = (context: Context) => reflector(kernel.get(clients), context);
  return {
    kernel,
    contract: (service, context) => reflected(service, () => asking(context)),
    services: (context) => asking(context).services(),
  };
}

async function reflected(service: string, asking: () => ReturnType<typeof reflector>): Promise<ServiceType> {
  const server = asking();
  try {
    const contract = await server.contract(service);
    if (contract) return contract;
    throw unknownService("the server does not serve", service, await server.services());
  } catch (error) {
    if (!(error instanceof StatusError) || error.code !== "UNIMPLEMENTED") throw error;
    const message = `the server offers no reflection; say which contract ${service} is`;
    throw misuse("UNIMPLEMENTED", "NO_REFLECTION", message);
  }
}

/** What needs not be started of an app in order to call: what keeps data, serves or exports. */
const notForCalls = new Set(["service", "server", "store", "session", "bus", "telemetry", "tracer", "config-source"]);

/** A way to wherever the registry of an app says, with its protocols and policies. */
export async function wayThrough({ core, catalogue, contracts }: App, ports: Ports, protocol: string): Promise<Way> {
  const kept = Object.entries(core.use).filter(([spi]) => !notForCalls.has(spi));
  const config = { ...core, use: { ...Object.fromEntries(kept), clients: "runtime", tracer: "off" } };
  const kernel = await startKernel({ catalogue, ports }, config);
  const options = protocolOptions(core);
  return {
    kernel,
    async contract(service, context) {
      const declared = contracts.services.get(service);
      if (declared) return declared;
      const address = await addressOf(kernel.get(registry), service, protocol);
      const way = await wayTo(address, { ports, catalogue, options, protocol });
      try {
        return await way.contract(service, context);
      } finally {
        await way.kernel.stop();
      }
    },
    services: async () =>
      [...new Set([...contracts.services.keys(), ...(await kernel.get(registry).services())])].sort(),
  };
}

/** Whether only the app's own process can read its registry. */
export function isPrivate({ core }: App): boolean {
  return [core.use.registry ?? "memory"].flat()[0] === "memory";
}

/** How an app reaches others; what it says about calls is for its registry. */
export function protocolOptions({ options }: CoreConfig): CoreConfig["options"] {
  return Object.fromEntries(Object.entries(options).filter(([key]) => key.startsWith("protocol/")));
}

/** Where the registry says that a service runs, so that it can be asked for its contract. */
async function addressOf(known: Registry, service: string, protocol: string): Promise<string> {
  let snapshot: Snapshot = [];
  const watch = await known.watch(service, (found) => {
    snapshot = found;
  });
  await watch.close();
  const address = snapshot.find((instance) => instance.protocol === protocol)?.address;
  if (address !== undefined) return address;
  throw unknownService(`the registry knows no ${protocol} instance of`, service, await known.services());
}
