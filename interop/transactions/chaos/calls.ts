import type { Calling, Role } from "../world/world.ts";
import { proxyTo, type Target, type Way } from "./proxy.ts";

/** The way of the calls of one process to another. */
export interface CallWay {
  readonly from: Role;
  readonly to: Role;
  readonly way: Way;
}

/** Ways for the calls between processes, one for each that calls and each that is called. */
export interface CallWays {
  readonly all: readonly CallWay[];
  /** How a world takes them. */
  readonly calling: Calling;
  /** Nothing is disturbed any more. */
  heal(): void;
  close(): Promise<void>;
}

/** Ways between all of them: those who begin transactions call all others, and sweepers ask each other. */
export async function callWays(roles: readonly Role[]): Promise<CallWays> {
  const targets = new Map<Role, Target>();
  const pairs = roles.flatMap((from) => roles.filter((to) => to !== from).map((to) => ({ from, to })));
  const all = await Promise.all(
    pairs.map(async ({ from, to }) => ({ from, to, way: await proxyTo(() => targets.get(to)) })),
  );
  return {
    all,
    calling: {
      portsFor: (role) =>
        Object.fromEntries(all.filter(({ from }) => from === role).map(({ to, way }) => [to, way.port])),
      listens(role, address) {
        const { hostname, port } = new URL(`tcp://${address}`);
        targets.set(role, { host: hostname, port: Number(port) });
      },
    },
    heal() {
      for (const { way } of all) way.weather("pass");
    },
    close: async () => {
      await Promise.all(all.map(({ way }) => way.close()));
    },
  };
}
