import { cwd } from "node:process";
import { installedPlugins } from "../../config/installed.ts";
import { formatProblems } from "../../core/problems.ts";
import { isPrivate, protocolOptions, type Way, wayThrough, wayTo } from "../../generic/way.ts";
import type { AppFlags } from "../app-flags.ts";
import { exitCodes, UserError } from "../exit.ts";
import { ruledApp } from "../with-source.ts";
import type { World } from "../world.ts";

export interface WayFlags extends AppFlags {
  readonly address?: string;
  readonly app?: string;
  readonly protocol: string;
  readonly contract?: string;
}

/** Makes a call possible: to an address, or wherever the registry of an app says. Throws a UserError that says what is missing. */
export async function openWay(world: World, flags: WayFlags): Promise<Way> {
  const { app: file, address, protocol } = flags;
  const { ports } = world;
  if (file === undefined && address === undefined) {
    throw new UserError("say where to call: --address host:port, or --app shop.yaml for what its registry knows");
  }
  if (address !== undefined && protocol === "grpc" && !/^unix:|:\d{1,5}$/.test(address))
    throw new UserError(`--address takes host:port, for example 127.0.0.1:50051, not "${address}"`);
  if (file === undefined) {
    const { catalogue } = await installedPlugins(cwd());
    return wayTo(address ?? "", { ports, catalogue, options: {}, protocol });
  }
  const app = await ruledApp(world, file, flags);
  if (app.problems.length > 0) throw new UserError(formatProblems(app.problems), exitCodes.problems);
  if (address !== undefined) {
    const way = await wayTo(address, { ports, catalogue: app.catalogue, options: protocolOptions(app.core), protocol });
    const known = app.contracts.services;
    return { ...way, contract: async (service, context) => known.get(service) ?? way.contract(service, context) };
  }
  if (!isPrivate(app)) return wayThrough(app, ports, protocol);
  const message = `${file} uses registry/memory, which only its own process can read; call with --address host:port`;
  throw new UserError(message, exitCodes.problems);
}
