import assert from "node:assert/strict";
import { it } from "node:test";
import { StatusError } from "../../call/status.ts";
import { type Coordinator, coordinator } from "../../spi/coordinator.ts";
import { transactions } from "../../spi/transactions.ts";
import { eventually } from "../../testing/eventually.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { strategyWorld } from "../../testing/strategy-world.ts";
import { messagingStrategy, noticingStrategy } from "../../testing/test-strategies.ts";

await onServer(
  "outboxes while the coordinator is away",
  () => postgresServer({ ours: true }),
  (server) => {
    for (const strategy of [noticingStrategy, messagingStrategy])
      it(`keep under ${strategy.name} what is done until it has a record, and then it ends as any other`, async () => {
        await using world = await strategyWorld(server, strategy);
        const api = world.app.kernel.get(coordinator);
        const { sql } = await world.database(0);
        const rows = () => sql<{ branch: string; state: string }[]>`select branch, state from mortise_outbox`;
        const numbers = () => world.app.kernel.get(transactions).numbers.read().driven;

        const gone = away(api);
        const { gid } = await world.run("pay", { settled: false });
        await eventually(
          async () => (await world.balance(2, "bonus")) === 1n && (await world.balance(1, "bob")) === 1_100n,
        );
        const askedOften = async (before = gone.asked()) => eventually(() => gone.asked() > before + 10);
        await askedOften();
        assert.deepEqual((await rows()).map(({ branch, state }) => [branch, state]).toSorted(), [
          ["b2", "sent"],
          ["b3", "sent"],
        ]);

        await sql`update mortise_outbox set created_at = created_at - interval '1 hour', last_error = 'away'`;
        await askedOften(); // what was taken up before that is put back
        gone.back();
        await eventually(async () => (await api.get(gid))?.status === "committed");
        const { createdAt, decidedAt, endedAt = 0, attempts } = (await api.get(gid)) ?? assert.fail();
        assert.deepEqual([decidedAt, endedAt - createdAt >= 3_600_000, attempts > 0], [createdAt, true, true]);
        await eventually(() => numbers()[0]?.inFlight === 0);
        assert.deepEqual([(await rows()).length, await world.wait("pay", gid)], [0, "committed"]);
        assert.deepEqual([await world.balance(2, "bonus"), await world.balance(1, "bob")], [1n, 1_100n], "once each");
        assert.equal(world.app.around.bus.published.filter(({ id }) => id === `${gid}:end`).length, 1);
        const [{ begun, committed } = assert.fail("it is counted")] = numbers();
        assert.deepEqual([begun, committed], [1, 1]);
        assert.deepEqual(
          world.app.log.lines.filter(({ message }) => message.includes("given up")),
          [],
        );
      });
  },
);

/** Has a coordinator answer nobody until it is called back, and counts who asks. */
function away(api: Coordinator) {
  const before = { ...api };
  let asked = 0;
  const gone = () => {
    asked += 1;
    return Promise.reject(new StatusError("UNAVAILABLE", "the coordinator is away"));
  };
  const all = Object.entries(before).filter(([, one]) => typeof one === "function");
  Object.assign(api, Object.fromEntries(all.map(([name]) => [name, gone])));
  return { asked: () => asked, back: () => void Object.assign(api, before) };
}
