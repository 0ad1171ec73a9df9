// What it costs to keep transactions in PostgreSQL, one by one and in batches: `npm run bench -- coordinator`, as data with --json.
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Coordinator, Store } from "../kernel/index.ts";
import { sampleTransaction } from "../kernel/spi/coordinator-laws/common.ts";
import { startPlugin } from "../kernel/testing/start-plugin.ts";
import { postgres } from "../plugins/coordinator/postgres/postgres.ts";
import { embedded } from "../plugins/store/embedded/embedded.ts";

const measuredMs = 3000;

interface Measured {
  readonly batching: boolean;
  readonly callers: number;
  /** Transactions begun, decided and ended per second: three changes of a row each. */
  readonly transactionsPerSecond: number;
  readonly changesPerSecond: number;
  /** Milliseconds from asking for the decision to its being durable. */
  readonly decideP50Ms: number;
  readonly decideP99Ms: number;
}

async function measure(api: Coordinator, batching: boolean, callers: number): Promise<Measured> {
  const took: number[] = [];
  const began = performance.now();
  const caller = async () => {
    while (performance.now() - began < measuredMs) {
      const sample = sampleTransaction();
      await api.begin(sample, "bench", 10_000);
      const asked = performance.now();
      await api.decide(sample.gid, "committing", {});
      took.push(performance.now() - asked);
      await api.finish(sample.gid);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const perSecond = (took.length * 1000) / (performance.now() - began);
  took.sort((a, b) => a - b);
  const at = (part: number) => took[Math.floor(took.length * part)] ?? 0;
  const rates = { transactionsPerSecond: perSecond, changesPerSecond: 3 * perSecond };
  return { batching, callers, ...rates, decideP50Ms: at(0.5), decideP99Ms: at(0.99) };
}

async function measureAll(store: Store): Promise<readonly Measured[]> {
  const all: Measured[] = [];
  for (const batching of [false, true]) {
    const options = { database: batching ? "batched" : "unbatched", batching };
    const { api, stop } = await startPlugin<Coordinator>(postgres, { deps: { store }, options });
    for (const callers of [1, 16, 256, 1024]) all.push(await measure(api, batching, callers));
    await stop?.();
  }
  return all;
}

function table(all: readonly Measured[]): string {
  const lines = all.map(({ batching, callers, transactionsPerSecond, changesPerSecond, decideP50Ms, decideP99Ms }) =>
    [
      (batching ? "batched" : "one by one").padEnd(10),
      String(callers).padStart(8),
      transactionsPerSecond.toFixed(0).padStart(15),
      changesPerSecond.toFixed(0).padStart(10),
      `${decideP50Ms.toFixed(1)} ms`.padStart(11),
      `${decideP99Ms.toFixed(1)} ms`.padStart(11),
    ].join("  "),
  );
  return ["            callers  transactions/s   changes/s   decide p50   decide p99", ...lines].join("\n");
}

const dataDir = mkdtempSync(join(tmpdir(), "bench-coordinator-"));
chmodSync(dataDir, 0o755); // the server does not run as the superuser
const { api, stop } = await startPlugin<Store>(embedded, { options: { dataDir } });
try {
  const all = await measureAll(api);
  console.log(process.argv.includes("--json") ? JSON.stringify(all, null, 2) : table(all));
} finally {
  await stop?.();
  rmSync(dataDir, { recursive: true, force: true });
}
