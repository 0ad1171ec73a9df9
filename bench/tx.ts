// What transactions over several databases cost: `npm run bench -- tx`, as data with --json.
// --flush-ms N: how much longer a flush of the log takes (0), as on another disk; --ms N: how long each load runs (2000); --strategy NAME, --databases N, --callers N: only these; --only hot|memory|strategies.
import { parseArgs } from "node:util";
import type { Plugin } from "../kernel/core/plugin.ts";
import { threePhase } from "../plugins/transaction/3pc/3pc.ts";
import { bestEffort } from "../plugins/transaction/best-effort/best-effort.ts";
import { local } from "../plugins/transaction/local/local.ts";
import { message } from "../plugins/transaction/message/message.ts";
import { outbox } from "../plugins/transaction/outbox/outbox.ts";
import { saga } from "../plugins/transaction/saga/saga.ts";
import { tcc } from "../plugins/transaction/tcc/tcc.ts";
import { xa } from "../plugins/transaction/xa/xa.ts";
import { type Hot, type HotRow, type Memory, measureHot, measureHotRow, measureMemory } from "./tx/hot.ts";
import { type Load, type Measured, measure } from "./tx/measure.ts";
import { benchServer } from "./tx/server.ts";
import { type Databases, makeBanks } from "./tx/world.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    ms: { type: "string", default: "2000" },
    strategy: { type: "string" },
    databases: { type: "string" },
    callers: { type: "string" },
    only: { type: "string" },
    "flush-ms": { type: "string", default: "0" },
  },
});
const ms = Number(values.ms);
const wanted = (name: string) => values.only === undefined || values.only === name;
const numbers = <N extends number>(given: string | undefined, all: readonly N[]): readonly N[] =>
  given === undefined ? all : [Number(given) as N];

const strategies: readonly Plugin[] = [local, xa, threePhase, tcc, saga, outbox, message, bestEffort];
const chosen = strategies.filter(({ name }) => values.strategy === undefined || values.strategy === name);

const flushMs = Number(values["flush-ms"]);
if (!(flushMs >= 0 && flushMs <= 100)) throw new TypeError("--flush-ms takes milliseconds from 0 to 100");
const server = await benchServer(flushMs);
const all: Measured[] = [];
const hot: Hot[] = [];
const rows: HotRow[] = [];
const memory: Memory[] = [];
try {
  {
    await using store = await server.open();
    await makeBanks(store);
  }
  if (wanted("strategies")) await measureStrategies();
  if (wanted("hot")) {
    for (const lanes of [false, true])
      for (const callers of numbers(values.callers, [64, 512])) {
        rows.push(await measureHotRow(server, lanes, callers, ms));
        hot.push(await measureHot(server, tcc, lanes, callers, ms));
      }
  }
  if (wanted("memory")) memory.push(await measureMemory(server, tcc, 10_000));
} finally {
  await server.stop();
}
console.log(values.json ? JSON.stringify({ flushMs, strategies: all, hotRow: rows, hot, memory }, null, 2) : printed());

async function measureStrategies(): Promise<void> {
  for (const plugin of chosen) {
    const databases = plugin === local ? ([1] as const) : numbers<Databases>(values.databases, [2, 4]);
    for (const count of databases)
      for (const callers of numbers(values.callers, [1, 16, 64]))
        for (const way of waysOf(plugin))
          all.push(await measure(server, plugin, { strategy: plugin.name, databases: count, callers, ...way }, ms));
  }
}

/** One by one, with operations that are functions and with those that are statements; and together. */
function waysOf(plugin: Plugin): readonly Pick<Load, "batching" | "form">[] {
  const [alone, stated, together] = [
    { batching: false, form: "functions" },
    { batching: false, form: "statements" },
    { batching: true, form: "functions" },
  ] as const;
  return plugin === local ? [together] : [alone, stated, together];
}

function share(part: number, whole: number): string {
  return `${((part * 100) / whole).toFixed(0)} %`;
}

function printed(): string {
  const head =
    "strategy     databases  callers  how                       tx/s   p50 ms   p99 ms  flushes/tx  commits  bound tx/s  of bound  by one row  by hand";
  const lines = all.map((one) =>
    [
      one.strategy.padEnd(11),
      String(one.databases).padStart(9),
      String(one.callers).padStart(7),
      (one.batching ? "batched" : `one by one, ${one.form}`).padEnd(22),
      one.perSecond.toFixed(0).padStart(6),
      one.p50Ms.toFixed(1).padStart(7),
      one.p99Ms.toFixed(1).padStart(7),
      one.flushes.toFixed(2).padStart(10),
      String(one.commits).padStart(7),
      one.boundPerSecond.toFixed(0).padStart(10),
      share(one.perSecond, one.boundPerSecond).padStart(8),
      share(one.perSecond, one.oneRowBoundPerSecond).padStart(10),
      share(one.perSecond, one.byHandBoundPerSecond).padStart(7),
    ].join("  "),
  );
  const alone = rows.map(
    ({ lanes, callers, perSecond }) =>
      `one hot row of one database, ${callers} callers, ${lanes ? "with" : "without"} lanes: ${perSecond.toFixed(0)}/s`,
  );
  const accounts = hot.map(
    ({ lanes, callers, perSecond, p50Ms }) =>
      `one hot account, ${callers} callers, ${lanes ? "with" : "without"} lanes: ${perSecond.toFixed(0)} tx/s, p50 ${p50Ms.toFixed(1)} ms`,
  );
  const held = memory.map(
    ({ transactions, heapMb }) => `${transactions} transactions under way hold ${heapMb.toFixed(1)} MB of heap`,
  );
  return [...(lines.length > 0 ? [head, ...lines] : []), ...alone, ...accounts, ...held].join("\n");
}
