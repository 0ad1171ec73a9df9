import { type Clock, definePlugin, lock } from "@mortise/kernel";
import { type LockServer, leasedLock } from "@mortise/kernel/spi/leased-lock";
import { z } from "zod";

const options = z.strictObject({
  realm: z
    .string()
    .default("")
    .describe("Plugins of this process that name the same realm share their locks; empty: a realm of its own"),
});

interface Lent {
  readonly owner: string;
  /** Monotonic milliseconds. */
  readonly until: number;
}

/** What the plugins of one realm share. */
interface Realm {
  readonly lent: Map<string, Lent>;
  lastToken: bigint;
  members: number;
}

/** Realms by name: what several kernels of one process share has to be known to the process. */
const shared = new Map<string, Realm>();

function memoryServer(name: string, clock: Clock): LockServer {
  const realm = shared.get(name) ?? { lent: new Map<string, Lent>(), lastToken: 0n, members: 0 };
  if (name !== "") shared.set(name, realm);
  realm.members++;
  const { lent } = realm;
  const holder = (of: string) => {
    const found = lent.get(of);
    return found && found.until > clock.now() ? found.owner : undefined;
  };
  return {
    async take({ name, owner, leaseMs }) {
      if ((holder(name) ?? owner) !== owner) return undefined;
      lent.set(name, { owner, until: clock.now() + leaseMs });
      return ++realm.lastToken;
    },
    async renew({ name, owner, leaseMs }) {
      if (holder(name) !== owner) return false;
      lent.set(name, { owner, until: clock.now() + leaseMs });
      return true;
    },
    async release({ name, owner }) {
      if (lent.get(name)?.owner === owner) lent.delete(name);
    },
    close() {
      if (--realm.members === 0 && shared.get(name) === realm) shared.delete(name);
    },
  };
}

export const memory = definePlugin({
  spi: lock,
  name: "memory",
  description: "Locks within this process",
  options,
  setup: ({ options, ports }) => leasedLock(memoryServer(options.realm, ports.clock), ports),
});
