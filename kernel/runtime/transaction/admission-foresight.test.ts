import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "../../call/status.ts";
import { builtInStrategies } from "../../contract/transaction/strategy.ts";
import type { Coordinator, TransactionCount } from "../../spi/coordinator.ts";
import { transactionPolicyOf } from "../transaction-policy.ts";
import { buy, every, type Given, manifest, Orders, Stock, world } from "./admission.fixture.ts";

describe("admission, before anything begins", () => {
  it("warns once where there may be more under way than is prepared, and nobody has written how many", async () => {
    const warned = async (given: Given, strategy = "xa") => {
      const { admit, foresee, log } = world({ ...given, table: { buy: { strategy, ...given.table?.buy } } });
      await foresee(buy, { missed: false });
      await admit(buy, strategy);
      return log.lines.map(({ level, message }) => `${level} ${message}`);
    };
    const [line, ...others] = await warned(every({ preparedTransactions: 65 }));
    assert.deepEqual(others, []);
    assert.match(
      line ?? "",
      /^warn transaction buy: the server of 'test\.v1\.Orders' and 'test\.v1\.Stock' prepares 65 transactions, which is room for 32 at once .* maxInFlight \(10000\)/,
    );
    assert.deepEqual(await warned({ ...every({ preparedTransactions: 65 }), table: { buy: { maxInFlight: 32 } } }), []);
    assert.deepEqual(await warned(every({ preparedTransactions: 20_000 })), []);
    assert.deepEqual(await warned(every({ preparedTransactions: 0 }), "tcc"), []);
  });

  it("tells beforehand what would be refused, and leaves what is said now alone", async () => {
    const strategies = new Map(Object.entries(builtInStrategies));
    const under = (strategy: string, maxInFlight: number) => ({
      policy: transactionPolicyOf({ buy: { strategy, maxInFlight } }, "buy"),
      strategies,
    });
    const { objections, admit } = world(every({ preparedTransactions: 10 }));
    const codes = async (how: ReturnType<typeof under>) =>
      (await objections(buy, how, 500)).map(({ code, transaction }) => `${transaction} ${code}`);
    assert.deepEqual(await codes(under("xa", 6)), ["buy DTX008"]);
    assert.deepEqual(await codes(under("xa", 5)), []);
    assert.deepEqual(await codes(under("tcc", 11)), []);
    await admit(buy, "xa");
  });

  it("asks beforehand no longer than it may, for who is silent says neither yes nor no", async () => {
    const silent = new Promise<never>(() => undefined);
    const coordinator = () => ({ identity: "here", health: () => silent }) as Partial<Coordinator> as Coordinator;
    const manifestOf = (name: string) =>
      name === Stock.name ? silent : Promise.resolve(manifest(name, { preparedTransactions: 0 }));
    const { objections, ports } = world({ coordinator, manifestOf, highlyAvailable: true });
    const policy = transactionPolicyOf({ buy: { strategy: "xa" } }, "buy");
    const found = objections(buy, { policy, strategies: new Map(Object.entries(builtInStrategies)) }, 500);
    assert.deepEqual(
      (await ports.settle(found, 500)).map(({ participant }) => participant),
      [Orders.name],
    );
    assert.equal(ports.pending, 0);
  });

  it("logs what it refuses once for as long as it does, and again when it comes back", async () => {
    let prepared = 0;
    const { admit, foresee, ports, log } = world({
      manifestOf: async (name) => manifest(name, { preparedTransactions: prepared }),
      table: { buy: { strategy: "xa" } },
    });
    const refused = () => log.lines.filter(({ level }) => level === "error").length;
    assert.equal(await foresee(buy, { missed: false }), true);
    assert.equal(refused(), 1);
    assert.match(log.lines[0]?.message ?? "", /^transaction buy cannot begin: DTX008 xa: the server of/);
    await assert.rejects(admit(buy, "xa"), /DTX008/);
    await ports.advance(5_000);
    await assert.rejects(admit(buy, "xa"), /DTX008/);
    assert.equal(refused(), 1);
    prepared = 10;
    await ports.advance(5_000);
    await admit(buy, "xa");
    prepared = 0;
    await foresee(buy, { missed: false });
    assert.equal(refused(), 2);
  });

  it("foresees nothing about what is performed here, which may not have started yet", async () => {
    const { foresee, admit, log } = world({ performs: () => false, table: { buy: { strategy: "outbox" } } });
    await foresee(buy, { missed: true });
    assert.deepEqual(log.lines, []);
    await assert.rejects(admit(buy, "outbox"), /DTX019/);
  });

  it("warns of a participant nobody performs, at the first begin or once it is missed", async () => {
    const away = async (name: string) => {
      if (name !== Stock.name) return manifest(name);
      throw new StatusError("UNAVAILABLE", "no instance", { reason: "NO_INSTANCE", neverSent: true });
    };
    const warning =
      "transaction buy: nobody performs test.v1.Stock yet (step stock). Start the app that has it; both need the same registry.";
    const warned = ({ log }: ReturnType<typeof world>) => log.lines.map(({ level, message }) => [level, message]);
    const begun = world({ manifestOf: away });
    await begun.admit(buy, "saga");
    assert.deepEqual(warned(begun), [["warn", warning]]);
    const started = world({ manifestOf: away, table: { buy: { strategy: "saga" } } });
    assert.equal(await started.foresee(buy, { missed: false }), false);
    assert.deepEqual(warned(started), []);
    await started.foresee(buy, { missed: true });
    await started.foresee(buy, { missed: true });
    assert.deepEqual(warned(started), [["warn", warning]]);
  });

  it("tells how many transactions wait for a strategy that is gone", async () => {
    const count = (strategy: string, status: TransactionCount["status"], count: number): TransactionCount => ({
      ...{ name: "buy", strategy, status, count, stuck: 0, oldestMs: 1 },
    });
    const counts = [
      count("mine", "committing", 2),
      count("mine", "active", 1),
      count("mine", "committed", 9),
      count("tcc", "active", 4),
    ];
    const { stranded, log } = world({ counts });
    const [problem, ...others] = await stranded();
    assert.equal(others.length, 0);
    assert.match(problem?.message ?? "", /^transaction buy: DTX011 mine: 3 under way began with this strategy/);
    assert.equal(log.lines[0]?.level, "error");
  });
});
