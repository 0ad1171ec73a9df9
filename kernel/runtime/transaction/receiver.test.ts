import assert from "node:assert/strict";
import { it } from "node:test";
import { banks } from "../../testing/bank-app.ts";
import { eventually } from "../../testing/eventually.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { strategyWorld } from "../../testing/strategy-world.ts";
import { noticingStrategy } from "../../testing/test-strategies.ts";
import { accountsAway } from "./admin.fixture.ts";

const all = { gid: "", name: "", strategy: "", olderThanMs: 0n, after: "", limit: 0 };

await onServer(
  "who is to be told of a transaction",
  () => postgresServer({ ours: true }),
  (server) => {
    it("asks what it was not told, whether it stands, and has itself told again", async () => {
      await using world = await strategyWorld(server, noticingStrategy);
      const back = await accountsAway(await world.database(1));
      const { gid } = await world.run("pay", { settled: false });
      const own = world.app.clients.client(banks.own.service);
      const untold = async (to: string) => (await own.outbox({ ...all, to })).transactions;
      const [givenUp] = await eventually(async () => {
        const found = await untold(banks.second.name);
        return found.some((one) => one.givenUp) ? found : undefined;
      }, 60_000);
      assert.deepEqual([givenUp?.gid, givenUp?.name], [gid, "pay"]);
      assert.deepEqual(await untold(banks.third.name), []);
      const { fence, outbox } = await own.inspect({ gid });
      assert.deepEqual(
        fence.map(({ slot, kind }) => [slot, kind]),
        [["R", "apply"]],
      );
      assert.deepEqual(
        outbox.map(({ state, participant }) => [state, participant]),
        [["exhausted", banks.second.name]],
      );
      await back();
      assert.equal((await own.wake({ gid })).rows, 1);
      await world.settled();
      assert.deepEqual(await untold(banks.second.name), []);
    });
  },
);
