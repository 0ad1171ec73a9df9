import { coordinator, definePlugin, type Ports } from "@mortise/kernel";
import { type KeptTransactions, keptCoordinator } from "@mortise/kernel/spi/kept-transactions";
import { z } from "zod";

const options = z.strictObject({
  realm: z
    .string()
    .default("")
    .describe("Plugins of this process that name the same realm share their transactions; empty: a realm of its own"),
  maxEnded: z.int().min(0).default(100_000).describe("Ended transactions kept; beyond it those that ended first go"),
});

interface Realm extends KeptTransactions {
  members: number;
}

/** Realms by name: what several kernels of one process share has to be known to the process. */
const shared = new Map<string, Realm>();

/** A realm, and time as its first member tells it: wall time that runs on as the monotonic clock does. */
function newRealm({ clock, ids }: Pick<Ports, "clock" | "ids">): Realm {
  const zero = clock.wall() - clock.now();
  const now = () => Math.floor(zero + clock.now());
  return { records: new Map(), ended: [], audits: [], identity: ids.uuid(), now, members: 0 };
}

export const memory = definePlugin({
  spi: coordinator,
  name: "memory",
  description: "Transactions within this process, for simulations and tests",
  options,
  setup({ options: { realm: name, maxEnded }, ports }) {
    const realm = shared.get(name) ?? newRealm(ports);
    if (name !== "") shared.set(name, realm);
    realm.members++;
    return {
      api: keptCoordinator(realm, maxEnded),
      stop() {
        if (--realm.members === 0 && shared.get(name) === realm) shared.delete(name);
      },
    };
  },
});
