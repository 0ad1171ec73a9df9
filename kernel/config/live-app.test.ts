import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { message, operation, operations, string, transaction } from "../contract/index.ts";
import { builtInStrategies } from "../contract/transaction/strategy.ts";
import { pluginEntry } from "../core/definitions.ts";
import { createKernel } from "../core/kernel.ts";
import { plan } from "../core/plan.ts";
import { definePlugin, type Plugin } from "../core/plugin.ts";
import { systemPorts } from "../core/ports.ts";
import { runtimePlugins } from "../runtime/runtime-plugins.ts";
import { type ConfigReport, type ConfigSource, type ConfigVersion, configSource } from "../spi/config-source.ts";
import { tracer } from "../spi/tracer.ts";
import { transaction as strategy } from "../spi/transaction.ts";
import { initiates, type Transactions, transactions } from "../spi/transactions.ts";
import { eventually } from "../testing/eventually.ts";
import { keptLog } from "../testing/logs.ts";
import type { App } from "./app.ts";
import { coreConfig } from "./core-config.ts";
import { liveApp } from "./live-app.ts";
import { readConfig } from "./read-config.ts";
import type { SourceFile } from "./yaml-tree.ts";

const Text = message("test.v1.Text", { text: string(1) });
const Orders = operations("test.v1.Orders", { create: operation(Text, Text, { undo: true }) });
const one = (name: string) =>
  transaction(name, {
    input: Text,
    needs: { isolation: "none", reply: "accepted" },
    plan: (steps) => steps.step("order", Orders.operations.create, (input) => input),
  });

const file = 'app: shop\nuse: { config-source: fake, tracer: shop }\ntransactions:\n  "*": { strategy: tcc }\n';
const under = (buy: string) => `transactions: { buy: { strategy: ${buy} } }`;

interface Given {
  /** What is published before the start. */
  readonly newest?: ConfigVersion;
  /** What has proved good on this machine. */
  readonly kept?: readonly ConfigVersion[];
}

const version = (number: number, text: string): ConfigVersion => ({
  version: number,
  text,
  at: 0,
  by: "ann",
  note: "",
});

/** An app whose transactions object to whatever strategy the test says, with the names they are asked about. */
async function living({ newest, kept = [] }: Given = {}) {
  const asked: string[][] = [];
  const told: ConfigReport[] = [];
  const wrong = new Set<string>(["xa"]);
  let publish: (version: ConfigVersion) => void = () => assert.fail("nobody watches");
  const source: Partial<ConfigSource> = {
    watch: (_, listener) => {
      publish = listener;
      listener(newest);
      return { close: () => undefined };
    },
    keep: async () => undefined,
    kept: async () => kept,
    report: (_, report) => void told.push(report),
  };
  const runs: Partial<Transactions> = {
    initiator: () => ({}) as never,
    objections: async (names, policies) => {
      asked.push([...names]);
      return names.flatMap((name) => {
        const { strategy = "" } = policies.of(name);
        return wrong.has(strategy)
          ? [{ code: "DTX008", transaction: name, message: `no ${strategy} for ${name}` }]
          : [];
      });
    },
  };
  const made = (spi: Plugin["spi"], name: string, api: unknown, facts = {}, needs = {}): Plugin =>
    definePlugin({ spi, name, description: name, facts, needs, setup: () => ({ api }) } as never);
  const plugins = [
    made(configSource, "fake", source),
    ...runtimePlugins.filter(({ spi }) => spi.id !== transactions.id),
    made(transactions, "runtime", runs),
    made(tracer, "shop", {}, {}, { buy: initiates(one("buy")), sell: initiates(one("sell")) }),
    ...Object.entries(builtInStrategies).map(([name, facts]) => made(strategy, name, {}, facts)),
  ];
  const catalogue = plugins.map((plugin) => pluginEntry(plugin));
  let text = file;
  const load = async (central?: SourceFile): Promise<App> => {
    const read = readConfig({ sources: [{ file: "shop.yaml", text }], ...(central && { central }) });
    const core = coreConfig(read, catalogue);
    const { plan: planned, problems } = plan(plugins, core);
    const { policies, transactions } = read.file;
    return {
      ...{ name: "shop", core, catalogue, plan: planned, policies, transactions, files: [], warnings: [] },
      problems: [...read.problems, ...problems],
      contracts: { services: new Map(), topics: new Set() },
    };
  };
  const log = keptLog();
  const kernel = createKernel({ catalogue, ports: systemPorts, log });
  const live = liveApp({ kernel, ports: systemPorts, log, app: await load(), load, process: "here" });
  const started = await live.started;
  assert.ok(started.ok, started.ok ? "" : String(started.error));
  return {
    ...{ asked, wrong, stop: kernel.stop, lines: log.lines },
    reports: () => told.length,
    /** What this process says it makes of the rules: what it runs, what it refuses and why. */
    told: () => {
      const { runs, refused } = told.at(-1) ?? assert.fail("nothing is reported");
      return [runs, refused?.version, refused?.reason];
    },
    async publish(number: number, rules: string) {
      const before = told.length;
      publish(version(number, rules));
      await eventually(() => told.length > before);
    },
    async edit(changed: string) {
      text = changed;
      await live.reload();
    },
    async [Symbol.asyncDispose]() {
      await live.close();
      await kernel.stop();
    },
  };
}

describe("an app under central rules", () => {
  it("asks those who run before it changes a strategy, and refuses what they object to, with its place", async () => {
    await using app = await living();
    await app.publish(1, under("saga"));
    assert.deepEqual([app.asked, app.told()], [[["buy"]], [1, undefined, undefined]]);
    await app.publish(2, under("xa"));
    assert.deepEqual(app.told(), [1, 2, "central rules 2:1:34  no xa for buy"]);
    await app.publish(3, 'transactions: { "*": { strategy: saga } }');
    assert.deepEqual([app.asked.at(-1), app.told()], [["sell"], [3, undefined, undefined]]);
  });

  it("asks nobody about what does not change, wherever it is said", async () => {
    await using app = await living();
    await app.publish(1, `${under("tcc")}\npolicies: { "*": { timeoutMs: 5 } }`);
    assert.deepEqual([app.asked, app.told()[0]], [[], 1]);
  });

  it("takes rules that were refused with an edit of its file only if nobody objects any more", async () => {
    await using app = await living();
    await app.publish(1, under("saga"));
    await app.publish(2, under("xa"));
    await app.edit(`${file}x-edited: once\n`);
    assert.equal(app.told()[0], 1);
    app.wrong.clear();
    await app.edit(`${file}x-edited: twice\n`);
    assert.deepEqual(app.told(), [2, undefined, undefined]);
  });

  it("asks at a start once it runs, and goes back to what was good last", async () => {
    await using app = await living({ newest: version(7, under("xa")), kept: [version(6, under("saga"))] });
    assert.deepEqual(app.told(), [6, 7, "central rules 7:1:34  no xa for buy"]);
    await using alone = await living({ newest: version(7, under("xa")) });
    assert.deepEqual(alone.told(), [0, 7, "central rules 7:1:34  no xa for buy"]);
  });

  it("asks nobody at a start about rules that were good here before", async () => {
    const seven = version(7, under("xa"));
    await using app = await living({ newest: seven, kept: [seven] });
    assert.deepEqual([app.asked, app.told()], [[], [7, undefined, undefined]]);
  });

  it("says nothing of a change that comes while it stops, but that it comes too late", async () => {
    await using app = await living();
    await app.publish(1, under("saga"));
    const stopping = app.stop();
    const before = app.reports();
    await app.edit(`${file}x-edited: once\n`);
    await stopping;
    const said = app.lines.filter(({ level }) => level !== "debug").map(({ message }) => message);
    assert.equal(said.at(-1), "the app stops; the next start reads its changed configuration");
    assert.deepEqual(
      app.lines.filter(({ level }) => level === "error"),
      [],
    );
    assert.equal(app.reports(), before);
  });
});
