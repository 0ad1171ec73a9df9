import type { RealServer, TestPostgres } from "@mortise/kernel/testing";
import type { Role } from "../world/world.ts";
import { proxyTo, type Way } from "./proxy.ts";

/** The ways of a process to what it shares with others. */
export interface Ways {
  /** To the servers of PostgreSQL. */
  readonly databases: readonly Way[];
  /** To NATS. */
  readonly bus: Way;
}

/** Ways from every process to the servers of PostgreSQL and to NATS. */
export async function waysTo(roles: readonly Role[], servers: readonly TestPostgres[], nats: RealServer) {
  const ways = new Map<Role, Ways>();
  const bus = { host: new URL(nats.url).hostname, port: nats.port };
  for (const role of roles)
    ways.set(role, {
      databases: await Promise.all(servers.map(({ address }) => proxyTo(() => address))),
      bus: await proxyTo(() => bus),
    });
  const through = (role: Role, url: string) => {
    const way =
      url === nats.url
        ? ways.get(role)?.bus
        : ways.get(role)?.databases[servers.findIndex((server) => server.url === url)];
    if (!way) throw new TypeError(`there is no way from ${role} to ${url}`);
    const to = new URL(url);
    to.port = String(way.port);
    return to.href;
  };
  const all = () => [...ways.values()].flatMap(({ databases, bus }) => [...databases, bus]);
  const heal = () => {
    for (const way of all()) way.weather("pass");
  };
  const close = () => Promise.all(all().map((way) => way.close()));
  return { ways, through, heal, close };
}
