import type { MethodKind, ServiceType } from "../contract/types.ts";
import type { Exposure, Protocol, ServedMethod, ServedService } from "../spi/protocol.ts";
import type { Serializer } from "../spi/serializer.ts";
import type { Offers } from "./offers.ts";
import type { Named } from "./parts.ts";
import { type ProviderSetup, providerPath } from "./provider.ts";

/** Makes what listeners offer; a contract that stays keeps its paths, and with them what they compiled. */
export interface Exposures {
  of(contracts: Iterable<ServiceType>, serializers: Named<Serializer>, gone: Iterable<ServiceType>): Exposure;
}

export function exposures(setup: ProviderSetup): Exposures {
  const served = new WeakMap<ServiceType, ServedService>();
  const serve = (contract: ServiceType): ServedService => {
    const known = served.get(contract);
    if (known) return known;
    const methods = Object.entries(contract.methods).map(([name, method]): [string, ServedMethod] => [
      name,
      { method, invoke: providerPath(method, setup) },
    ]);
    const made = { service: contract, methods: new Map(methods) };
    served.set(contract, made);
    return made;
  };
  return {
    of: (contracts, serializers, gone) => ({
      services: Array.from(contracts, serve),
      serializers,
      gone: Array.from(gone, serve),
    }),
  };
}

/** Throws an Error if there are methods that no protocol can carry. */
export function checkCarried({ services }: Offers, protocols: Named<Protocol>): void {
  const carried = new Set<MethodKind>([...protocols.values()].flatMap(({ kinds }) => kinds));
  const names = [...protocols.keys()].join(", ");
  const faults = [...services.values()].flatMap(({ contract, by }) =>
    Object.values(contract.methods)
      .filter(({ kind }) => !carried.has(kind))
      .map(({ path, kind }) => `service/${by}: no selected protocol (${names}) carries ${path}, a ${kind} method`),
  );
  if (faults.length > 0) throw new Error(`${faults.join("; ")}. Select another protocol as well.`);
}
