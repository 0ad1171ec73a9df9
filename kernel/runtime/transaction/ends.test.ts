import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { backgroundOf } from "../../call/call-context.ts";
import { StatusError } from "../../call/status.ts";
import { codecOf, TransactionEnded } from "../../contract/index.ts";
import { systemPorts } from "../../core/ports.ts";
import { sampleTransaction } from "../../spi/coordinator.conformance.ts";
import { coordinator } from "../../spi/coordinator.ts";
import { keptCoordinator } from "../../spi/kept-transactions.ts";
import { transactions } from "../../spi/transactions.ts";
import { eventually } from "../../testing/eventually.ts";
import { keptLog } from "../../testing/logs.ts";
import { onServer } from "../../testing/on-server.ts";
import { adminWorld, ann } from "./admin.fixture.ts";
import { type EndOfTransaction, endsOf } from "./ends.ts";
import { gidOf } from "./initiator.ts";
import { keptNumbers } from "./numbers.ts";

const context = backgroundOf(systemPorts);

/** Ends over a coordinator of this process, and a bus that can be away. */
function endsHere() {
  const told: string[] = [];
  const bus = { away: false };
  const log = keptLog();
  const api = keptCoordinator({ records: new Map(), ended: [], audits: [], now: () => Date.now() }, 100);
  const counters = keptNumbers(
    () => [],
    () => [],
  );
  const publish = async ({ gid }: EndOfTransaction) => {
    if (bus.away) throw new StatusError("UNAVAILABLE", "the bus is away");
    told.push(gid);
  };
  const ends = endsOf({ publish, coordinator: () => api, counters, log });
  const numbers = () => counters.read().driven.map(({ begun, committed, aborted }) => ({ begun, committed, aborted }));
  async function decided(): Promise<EndOfTransaction> {
    const sample = sampleTransaction({ status: "committing" });
    await api.begin(sample, "me", 60_000);
    return { ...endWithout(sample.gid), transaction: sample.name };
  }
  return { ends, told, bus, log, api, numbers, decided };
}

const endWithout = (gid: string): EndOfTransaction => ({
  ...{ gid, transaction: "move", committed: true, reason: "", step: "", details: new Map(), input: new Uint8Array() },
});

describe("ends of transactions", () => {
  it("are told and counted once, however many bring them about at the same time or later", async () => {
    const { ends, told, numbers, decided } = endsHere();
    const end = await decided();
    await Promise.all([1, 2, 3].map(() => ends.finish(end, "outbox", context)));
    await ends.finish(end, "outbox", context);
    assert.deepEqual(told, [end.gid]);
    assert.deepEqual(numbers(), [{ begun: 0, committed: 1, aborted: {} }]);
  });

  it("are counted by nobody here where another process has ended it", async () => {
    const { ends, api, numbers, decided } = endsHere();
    const end = await decided();
    await api.finish(end.gid);
    await ends.finish(end, "outbox", context);
    assert.deepEqual(numbers(), []);
  });

  it("are not written before the bus has taken them", async () => {
    const { ends, told, bus, api, numbers, decided } = endsHere();
    const end = await decided();
    bus.away = true;
    await assert.rejects(ends.finish(end, "tcc", context), { code: "UNAVAILABLE" });
    assert.deepEqual([(await api.get(end.gid))?.status, numbers()], ["committing", []]);
    bus.away = false;
    await ends.finish(end, "tcc", context);
    assert.deepEqual([(await api.get(end.gid))?.status, told], ["committed", [end.gid]]);
  });

  it("stand without a record whether the bus takes them or not, which the log says once while it is away", async () => {
    const { ends, told, bus, log, numbers } = endsHere();
    bus.away = true;
    for (const gid of ["a", "b"]) await ends.unrecorded(endWithout(gid), "local", context);
    bus.away = false;
    for (const gid of ["c", "c", "d"]) await ends.unrecorded(endWithout(gid), "local", context);
    bus.away = true;
    await ends.unrecorded(endWithout("e"), "local", context);
    assert.deepEqual(told, ["c", "d"]);
    assert.deepEqual(numbers(), [{ begun: 5, committed: 5, aborted: {} }]);
    assert.equal(log.lines.filter(({ message }) => message.includes("how transactions end")).length, 2);
  });

  it("without a record are told by whoever runs them again, and counted by who did them", async () => {
    const { ends, told, numbers } = endsHere();
    await ends.unrecorded(endWithout("a"), "local", context, true);
    await ends.unrecorded(endWithout("b"), "local", context, false);
    assert.deepEqual(told, ["a", "b"], "who did them may have died before it told of them");
    assert.deepEqual(numbers(), [{ begun: 1, committed: 1, aborted: {} }]);
  });

  it("happen by hand also while the bus is away", async () => {
    const { ends, bus, api, numbers, decided } = endsHere();
    const end = await decided();
    bus.away = true;
    const close = () => api.close(end.gid, "by hand");
    assert.equal(await ends.closed(end, "tcc", context, close), true);
    assert.equal(await ends.closed(end, "tcc", context, close), false);
    assert.deepEqual(numbers(), [{ begun: 0, committed: 1, aborted: {} }]);
  });
});

await onServer("what is told of ends that come about otherwise", adminWorld, ({ world, admin, undecided }) => {
  const toldOf = (gid: string) =>
    world.app.around.bus.published
      .filter(({ id }) => id === `${gid}:end`)
      .map(({ body }) => codecOf(TransactionEnded).decode(body));

  it("tells the bus of what a person closes, as it was decided", async () => {
    const gid = await undecided();
    await admin.force({ ...ann, gid, outcome: "abort" });
    await admin.close({ ...ann, gid, branch: "" });
    const { committed, reason, transaction } = toldOf(gid)[0] ?? assert.fail("it is told");
    assert.deepEqual([committed, reason, transaction, toldOf(gid).length], [false, "FORCED", "collect", 1]);
    const { driven } = world.app.kernel.get(transactions).numbers.read();
    assert.equal(driven.find(({ name }) => name === "collect")?.aborted.FORCED, 1);
    await admin.sweep({ participant: "", end: true, closed: true, olderThanMs: 0, by: "ann", reason: "tidy up" });
    await world.settled();
  });

  it("answers with the abort somebody else has written to who begins too late, whether it has ended or not", async () => {
    const api = world.app.kernel.get(coordinator);
    for (const ended of [false, true]) {
      const key = `late ${ended}`;
      const gid = gidOf("collect", key);
      await api.inquire(gid);
      if (ended) await api.finish(gid);
      for (let time = 0; time < 2; time++)
        assert.deepEqual(await world.run("collect", { key }), { gid, status: "aborted", reason: "ORPHAN" });
      await eventually(async () => (await api.get(gid))?.status === "aborted", 60_000);
    }
    const { numbers } = world.app.kernel.get(transactions);
    const of = () => numbers.read().driven.find(({ name }) => name === "collect");
    await eventually(() => of()?.aborted.ORPHAN === 1, 60_000); // the other one ended before it could begin
    assert.equal(of()?.begun, 1);
  });
});
