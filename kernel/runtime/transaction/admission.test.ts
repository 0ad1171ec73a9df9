import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "../../call/status.ts";
import { transaction } from "../../contract/index.ts";
import { buy, every, type Given, manifest, Orders, refusal, Stock, Text, world } from "./admission.fixture.ts";

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

  it("asks for no room for a transaction of one branch, which nobody prepares", async () => {
    const { admit } = world({ ...every({ preparedTransactions: 0 }), table: { order: { maxInFlight: 10 } } });
    const order = transaction("order", {
      input: Text,
      needs: { isolation: "none", reply: "accepted" },
      plan: (plan) => plan.step("order", Orders.operations.create, (input) => input),
    });
    for (const strategy of ["xa", "3pc"]) await admit(order, strategy);
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

  it("refuses what may be repeated when fences have forgotten it, and nothing where they never do", async () => {
    const dayMs = 86_400_000;
    const deadline = (deadlineMs: number) => ({ retentionMs: dayMs, table: { buy: { deadlineMs } } });
    assert.deepEqual(await refusal(deadline(dayMs), "saga"), ["DTX014"]);
    assert.deepEqual(await refusal(deadline(dayMs - 1), "saga"), []);
    assert.deepEqual(await refusal(deadline(0), "saga"), [], "no deadline: what has not ended has a record");
    assert.deepEqual(await refusal({ table: { buy: { deadlineMs: 1_000 * dayMs } } }, "saga"), []);
    const schedule = (scheduleMs: number[]) => ({ retentionMs: dayMs, table: { buy: { scheduleMs } } });
    const codes = (await refusal(schedule([1_000, dayMs]), "best-effort")).filter((code) => code === "DTX014");
    assert.deepEqual(codes, ["DTX014"]);
    assert.ok(!(await refusal(schedule([1_000, dayMs / 2]), "best-effort")).includes("DTX014"));
    assert.deepEqual(await refusal(schedule([dayMs]), "saga"), [], "nothing is sent by its schedule");
  });

  it("refuses what the coordinator forgets before fences do", async () => {
    const dayMs = 86_400_000;
    const keeps = (keepsEndedMs: number, retentionMs: number | undefined = 14 * dayMs) =>
      refusal({ keepsEndedMs, retentionMs }, "saga");
    assert.deepEqual([await keeps(15 * dayMs - 1), await keeps(15 * dayMs)], [["DTX014"], []]);
    const { admit } = world({ keepsEndedMs: 7 * dayMs, retentionMs: 14 * dayMs });
    await assert.rejects(admit(buy, "saga"), /keeps what has ended for 604800000 ms, .* 1296000000 ms.*retentionDays/);
    assert.deepEqual(await refusal({ retentionMs: dayMs }, "saga"), [], "it keeps by number");
  });
});
