import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { TransactionAdmin } from "../../contract/index.ts";
import { coordinator } from "../../spi/coordinator.ts";
import { onServer } from "../../testing/on-server.ts";
import { strategyWorld } from "../../testing/strategy-world.ts";
import { preparingStrategy } from "../../testing/test-strategies.ts";
import { adminWorld, ann, everything, money } from "./admin.fixture.ts";

await onServer("what people see of transactions", adminWorld, ({ server, world, admin, undecided }) => {
  it("lists the transactions that fit, with their age, and says when there are more", async () => {
    const { gid } = await world.run("collect");
    const open = await undecided();
    const { transactions, more } = await admin.list({ ...everything, name: "collect" });
    assert.deepEqual([transactions.map((one) => one.gid).sort(), more], [[gid, open].sort(), false]);
    const [only] = (await admin.list({ ...everything, open: true })).transactions;
    assert.deepEqual([only?.gid, only?.status, only?.strategy], [open, "active", "two-phases"]);
    assert.equal((await admin.list({ ...everything, statuses: ["committed"] })).transactions[0]?.gid, gid);
    assert.equal((await admin.list({ ...everything, limit: 1 })).more, true);
    assert.deepEqual((await admin.list({ ...everything, olderThanMs: 3_600_000n })).transactions, []);
    const { counts } = await admin.counts({});
    assert.deepEqual(
      counts.map(({ name, strategy, status, count }) => [name, strategy, status, count]),
      [["collect", "two-phases", "active", 1n]],
    );
    await admin.force({ ...ann, gid: open, outcome: "abort" });
    await admin.resume({ ...ann, gid: open });
    await world.settled();
  });

  it("refuses a query nobody can mean", async () => {
    await assert.rejects(admin.list({ ...everything, name: "colect" }), {
      message: /^no transaction is named "colect"; /,
    });
    await assert.rejects(admin.list({ ...everything, strategy: "sage" }), { message: /^no transaction goes by / });
    assert.deepEqual((await admin.list({ ...everything, strategy: "saga" })).transactions, []);
    await assert.rejects(admin.list({ ...everything, statuses: ["done"] }), { code: "INVALID_ARGUMENT" });
    await assert.rejects(admin.list({ ...everything, limit: -1 }), { code: "INVALID_ARGUMENT" });
    await assert.rejects(admin.show({ gid: "x" }), { code: "INVALID_ARGUMENT" });
    await assert.rejects(admin.show({ gid: randomUUID() }), { code: "NOT_FOUND" });
    await assert.rejects(admin.pause(ann), { code: "INVALID_ARGUMENT" });
    await assert.rejects(admin.pause({ ...ann, gid: randomUUID() }), { code: "NOT_FOUND" });
    await assert.rejects(admin.pause({ ...ann, by: "", gid: randomUUID() }), { code: "NOT_FOUND" });
    await assert.rejects(admin.retry({ ...ann, gid: randomUUID() }), { code: "NOT_FOUND" });
  });

  it("shows a transaction with what its participants know, in the order it happened", async () => {
    const { gid } = await world.run("collect");
    const { summary, branches, events, silent } = await admin.show({ gid });
    assert.deepEqual([summary?.status, silent], ["committed", []]);
    assert.deepEqual(
      branches.map(({ id, steps, fence }) => [id, steps, fence.map(({ kind }) => kind)]),
      [
        ["b1", ["take"], ["reserve", "confirm"]],
        ["b2", ["also"], ["reserve", "confirm"]],
        ["b3", ["put"], ["reserve", "confirm"]],
      ],
    );
    const what = events.map((event) => event.what);
    assert.deepEqual([what.filter((one) => one === "confirm").length, what.at(-1)], [3, "end"]);
    assert.ok(what.indexOf("decide") > -1 && what.indexOf("begin") > -1);
    assert.deepEqual(
      events.map(({ at }) => at),
      events.map(({ at }) => at).sort((a, b) => Number(a - b)),
    );
    assert.ok(events.every(({ name, strategy }) => name === "collect" && strategy === "two-phases"));
    assert.deepEqual(
      (await admin.export({ gids: [gid] })).events.map((event) => event.what),
      what,
    );
  });

  it("gives the input a transaction was begun with", async () => {
    const { gid } = await world.run("collect", { cents: 7n });
    const { name, version, json } = await admin.input({ gid });
    assert.deepEqual([name, version], ["collect", 1]);
    assert.deepEqual(JSON.parse(json), { from: "alice", to: "bob", cents: "7", sponsor: "carol" });
    await assert.rejects(admin.input({ gid: randomUUID() }), { code: "NOT_FOUND" });
  });

  it("shows what participants know of a transaction without a record", async () => {
    const { gid } = await world.run("move");
    const { summary, branches } = await admin.show({ gid });
    assert.equal(summary, undefined);
    assert.deepEqual(
      branches.map(({ participant, fence }) => [participant, fence.map(({ kind }) => kind)]),
      [["test.bank.v1.Own", ["apply"]]],
    );
  });

  it("tells of participants that do not answer, with everything else", async () => {
    const gid = await undecided();
    const api = world.app.kernel.get(coordinator);
    const record = await api.get(gid);
    assert.ok(record);
    const ghost = { ...record.branches[0], id: "b9", participant: "test.bank.v1.Ghost" } as never;
    const other = randomUUID();
    await api.begin({ ...record, gid: other, status: "active", branches: [ghost], deadlineMs: undefined }, "x", 60_000);
    const { summary, silent } = await admin.show({ gid: other });
    assert.deepEqual([summary?.gid, silent.map(({ participant }) => participant)], [other, ["test.bank.v1.Ghost"]]);
    for (const one of [gid, other]) await admin.force({ ...ann, gid: one, outcome: "abort" });
    await admin.close({ ...ann, gid: other, branch: "" });
    await admin.resume({ ...ann, gid });
    await world.settled();
  });

  it("shows prepared transactions beside their branches, and aborts them by hand", async () => {
    await using world = await strategyWorld(server, preparingStrategy);
    const admin = world.app.clients.client(TransactionAdmin);
    const gid = await world.left("collect", money, "active", { paused: true });
    const { branches } = await admin.show({ gid });
    assert.deepEqual(
      branches.map(({ prepared }) => prepared),
      branches.map(({ id }) => [`mortise:${gid}:${id}`]),
    );
    await admin.force({ ...ann, gid, outcome: "abort" });
    await admin.resume({ ...ann, gid });
    await world.settled();
  });
});
