import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "../../call/status.ts";
import { message, operation, operations, string, transaction } from "../../contract/index.ts";
import { builtInStrategies } from "../../contract/transaction/strategy.ts";
import type { Coordinator, CoordinatorHealth, TransactionCount } from "../../spi/coordinator.ts";
import { keptLog } from "../../testing/logs.ts";
import { virtualPorts } from "../../testing/virtual-ports.ts";
import { type TransactionTable, transactionPolicyOf } from "../transaction-policy.ts";
import { type AdmissionSetup, admission } from "./admission.ts";
import type { ManifestFacts } from "./rule.ts";

const Text = message("test.v1.Text", { text: string(1) });
const keys = (input: { readonly text: string }) => [`sku:${input.text}`];
const Orders = operations("test.v1.Orders", { create: operation(Text, Text, { undo: true, keys }) });
const Stock = operations("test.v1.Stock", {
  take: operation(Text, Text, { undo: true, keys, version: 2, expiresMs: 60_000 }),
});
const buy = transaction("buy", {
  input: Text,
  needs: { isolation: "none", reply: "accepted" },
  plan: (plan) =>
    plan
      .step("order", Orders.operations.create, (input) => input)
      .step("stock", Stock.operations.take, (input) => input),
});

const manifest = (participant: string, given: Partial<ManifestFacts> = {}): ManifestFacts => ({
  operations: participant === Orders.name ? [{ name: "create", version: 1 }] : [{ name: "take", version: 2 }],
  database: `1/${participant}`,
  preparedTransactions: 100,
  defaultIsolation: "read committed",
  fenceVersion: 1,
  ...given,
});

interface Given extends Partial<AdmissionSetup> {
  readonly health?: CoordinatorHealth;
  readonly counts?: readonly TransactionCount[];
  readonly table?: TransactionTable;
  readonly identity?: string;
}

function world({ health, counts = [], table = {}, identity = "here", manifestOf, ...given }: Given = {}) {
  const ports = virtualPorts();
  const log = keptLog();
  const asked: string[] = [];
  let policies = { of: (name: string) => transactionPolicyOf(table, name) };
  const coordinator = {
    identity,
    health: async () => health ?? { durable: true, replicated: true },
    counts: async () => counts,
  } as Partial<Coordinator> as Coordinator;
  const strategies = new Map(Object.entries(builtInStrategies).map(([name, facts]) => [name, { facts }]));
  const made = admission({
    clock: ports.clock,
    timers: ports.timers,
    log,
    strategies: () => strategies,
    policies: () => policies,
    coordinator: () => coordinator,
    performs: (name) => name === Orders.name,
    bus: () => ({ name: "nats", durable: true, keptUntilDone: true }),
    highlyAvailable: false,
    ...given,
    manifestOf: async (name) => {
      asked.push(name);
      return manifestOf ? manifestOf(name) : manifest(name);
    },
  });
  const swap = () => {
    policies = { ...policies };
  };
  return { ...made, asked, ports, log, swap };
}

/** What a begin is refused with, by code. */
async function refusal(given: Given, strategy: string, input?: unknown): Promise<string[]> {
  const error = await world(given)
    .admit(buy, strategy, input)
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  if (error === undefined) return [];
  assert.ok(error instanceof StatusError);
  assert.equal(error.code, "FAILED_PRECONDITION");
  assert.match(error.reason ?? "", /^DTX\d+$/);
  return error.message.split("\n").map((line) => /DTX\d+/.exec(line)?.[0] ?? line);
}

const every = (given: Partial<ManifestFacts>) => ({ manifestOf: async (name: string) => manifest(name, given) });

describe("admission", () => {
  it("looks around once, and again after a change of the configuration", async () => {
    const { admit, asked, swap } = world();
    await Promise.all([admit(buy, "tcc"), admit(buy, "tcc")]);
    await admit(buy, "tcc");
    assert.deepEqual(asked, [Orders.name, Stock.name]);
    swap();
    await admit(buy, "tcc");
    assert.equal(asked.length, 4);
  });

  it("refuses participants that would ask another coordinator, where they may have to ask", async () => {
    const strangers = every({ coordinator: "elsewhere" });
    for (const strategy of ["xa", "3pc", "tcc"])
      assert.deepEqual(await refusal(strangers, strategy), ["DTX021", "DTX021"]);
    for (const strategy of ["saga", "outbox", "message"]) assert.deepEqual(await refusal(strangers, strategy), []);
    assert.deepEqual(await refusal(every({ coordinator: "here" }), "tcc"), []);
    assert.deepEqual(await refusal(every({}), "tcc"), [], "an older participant does not say whom it asks");
    assert.deepEqual(await refusal({ ...strangers, identity: "" }, "tcc"), []);
  });

  it("refuses what the databases of participants do not allow", async () => {
    assert.deepEqual(await refusal(every({ preparedTransactions: 0 }), "xa"), ["DTX008"]);
    assert.deepEqual(await refusal(every({ preparedTransactions: 0 }), "tcc"), []);
    assert.deepEqual(await refusal(every({ fenceVersion: 0, defaultIsolation: "repeatable read" }), "saga"), [
      ...["DTX009", "DTX009", "DTX009", "DTX009"],
    ]);
    const shared = every({ database: "1/all" });
    assert.deepEqual(await refusal(shared, "xa", { text: "chair" }), ["DTX015"]);
    assert.deepEqual(await refusal(shared, "xa"), []);
    assert.deepEqual(await refusal({}, "xa", { text: "chair" }), []);
  });

  it("counts all branches of a transaction that one server prepares, for as many as may be under way", async () => {
    const apart = (preparedTransactions: number) => async (name: string) =>
      manifest(name, { preparedTransactions, database: `${name}/db` });
    const under = (maxInFlight: number) => ({ table: { buy: { maxInFlight } } });
    const one = every({ preparedTransactions: 10 });
    for (const strategy of ["xa", "3pc"]) {
      assert.deepEqual(await refusal({ ...one, ...under(5) }, strategy), []);
      assert.deepEqual(await refusal({ ...one, ...under(6) }, strategy), ["DTX008"]);
      assert.deepEqual(await refusal(one, strategy), []);
      assert.deepEqual(await refusal(every({ preparedTransactions: 1 }), strategy), ["DTX008"]);
      assert.deepEqual(await refusal({ manifestOf: apart(1) }, strategy), []);
      assert.deepEqual(await refusal({ manifestOf: apart(10), ...under(10) }, strategy), []);
      assert.deepEqual(await refusal({ manifestOf: apart(10), ...under(11) }, strategy), ["DTX008", "DTX008"]);
    }
    const said = (given: Given) => world(given).admit(buy, "xa");
    const both = "DTX008 xa: the server of 'test\\.v1\\.Orders' and 'test\\.v1\\.Stock' prepares";
    await assert.rejects(
      said({ ...one, ...under(6) }),
      new RegExp(`${both} 10 transactions, fewer than the 2 branches of each of 6 `),
    );
    await assert.rejects(
      said(every({ preparedTransactions: 1 })),
      new RegExp(`${both} 1 transactions, fewer than the 2 branches of one\\.`),
    );
  });

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

  it("refuses participants that are too old or too new, and waits for none that is away", async () => {
    const old = async (name: string) =>
      manifest(name, {
        operations: [
          { name: "create", version: 1 },
          { name: "take", version: 1 },
        ],
      });
    assert.deepEqual(await refusal({ manifestOf: old }, "tcc"), ["DTX010"]);
    const newer = (accepts?: number) => (name: string) => {
      const operations = [
        ...manifest(Orders.name).operations,
        { name: "take", version: 3, ...(accepts && { accepts }) },
      ];
      return Promise.resolve(manifest(name, { operations }));
    };
    assert.deepEqual(await refusal({ manifestOf: newer(1) }, "tcc"), []);
    assert.deepEqual(await refusal({ manifestOf: newer(3) }, "tcc"), ["DTX010"]);
    assert.deepEqual(
      await refusal({ manifestOf: newer() }, "tcc"),
      ["DTX010"],
      "one that does not say takes only its own",
    );
    const ignorant = async (name: string) => {
      if (name === Stock.name) throw new StatusError("UNIMPLEMENTED", "no such method");
      return manifest(name);
    };
    assert.deepEqual(await refusal({ manifestOf: ignorant }, "tcc"), ["DTX010"]);
    let away = true;
    const { admit, asked, ports } = world({
      manifestOf: async (name) => {
        if (away) throw new StatusError("UNAVAILABLE", "nobody there");
        return old(name);
      },
    });
    await admit(buy, "outbox");
    away = false;
    await admit(buy, "outbox");
    assert.equal(asked.length, 2);
    await ports.advance(5_000);
    await admit(buy, "outbox");
    assert.equal(asked.length, 4);
    await ports.advance(0);
    await assert.rejects(admit(buy, "outbox"), /DTX010/);
  });

  it("looks again soon where it refused, for what was wrong may have been put right", async () => {
    let prepared = 0;
    const { admit, ports } = world({ manifestOf: async (name) => manifest(name, { preparedTransactions: prepared }) });
    await assert.rejects(admit(buy, "xa"), /max_prepared_transactions is 0/);
    prepared = 10;
    await assert.rejects(admit(buy, "xa"), /DTX008/);
    await ports.advance(5_000);
    await admit(buy, "xa");
  });

  it("refuses buses that do not carry far enough, and coordinators that do not keep what they must", async () => {
    const memory = { name: "memory", durable: false, keptUntilDone: true };
    assert.deepEqual(await refusal({ bus: () => memory }, "outbox"), ["DTX012"]);
    assert.deepEqual(await refusal({ bus: () => memory, performs: () => true }, "message"), []);
    assert.deepEqual(
      await refusal({ bus: () => ({ ...memory, keptUntilDone: false }), performs: () => true }, "message"),
      ["DTX012"],
    );
    assert.deepEqual(await refusal({ bus: () => memory }, "tcc"), []);
    const single = { durable: true, replicated: false };
    assert.deepEqual(await refusal({ health: single, highlyAvailable: true }, "tcc"), ["DTX013"]);
    assert.deepEqual(await refusal({ health: single }, "tcc"), []);
    assert.deepEqual(await refusal({ health: { durable: false, replicated: true }, highlyAvailable: true }, "tcc"), [
      "DTX013",
    ]);
  });

  it("refuses deadlines reservations do not last for, and first branches that are not here", async () => {
    assert.deepEqual(await refusal({ table: { buy: { deadlineMs: 60_000 } } }, "tcc"), ["DTX014"]);
    assert.deepEqual(await refusal({ table: { buy: { deadlineMs: 0 } } }, "tcc"), ["DTX014"]);
    assert.deepEqual(await refusal({ table: { buy: { deadlineMs: 0 } } }, "saga"), []);
    assert.deepEqual(await refusal({ performs: () => false }, "outbox"), ["DTX019"]);
    assert.deepEqual(await refusal({ performs: () => false }, "message"), []);
    assert.deepEqual(await refusal({}, "gone"), ["DTX001"]);
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
