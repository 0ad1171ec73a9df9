import assert from "node:assert/strict";
import { it } from "node:test";
import { encodeTraceparent } from "../../call/trace.ts";
import { codecOf } from "../../contract/index.ts";
import { systemPorts } from "../../core/ports.ts";
import { coordinator } from "../../spi/coordinator.ts";
import { tracer } from "../../spi/tracer.ts";
import { transactions } from "../../spi/transactions.ts";
import { bankTransactions, Payment } from "../../testing/bank-app.ts";
import { eventually } from "../../testing/eventually.ts";
import { keptSpans } from "../../testing/kept-spans.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { strategyWorld } from "../../testing/strategy-world.ts";
import { given } from "../../testing/test-app.ts";
import { preparingStrategy, testStrategy } from "../../testing/test-strategies.ts";
import { branchesOf } from "./branches.ts";

const money = { from: "alice", to: "bob", cents: 100n, sponsor: "carol" };

await onServer(
  "what is told of transactions",
  () => postgresServer({ ours: true }),
  (server) => {
    it("counts what is begun and how it ends, once each, with and without a record", async () => {
      await using world = await strategyWorld(server, testStrategy);
      const { numbers } = world.app.kernel.get(transactions);
      const of = (name: string) => numbers.read().driven.find((one) => one.name === name);
      await world.run("collect");
      await world.run("collect", { cents: 2_000n });
      await world.run("move");
      await world.run("move", { cents: 2_000n });
      await world.run("collect", { key: "k" });
      await world.run("collect", { key: "k" });
      await world.settled();
      await eventually(() => of("collect")?.inFlight === 0 && of("move")?.inFlight === 0);
      const both = { strategy: "two-phases", rounds: 0, inFlight: 0, aborted: { TOO_LITTLE: 1 } };
      assert.deepEqual(of("collect"), { ...both, name: "collect", begun: 3, committed: 2 });
      assert.deepEqual(of("move"), { ...both, name: "move", begun: 2, committed: 1 });
    });

    it("tells what is on its way anywhere, and what is prepared and for how long", async () => {
      await using world = await strategyWorld(server, preparingStrategy);
      const { numbers } = world.app.kernel.get(transactions);
      const gid = await world.left("collect", money, "active", { paused: true });
      const isAged = ({ count, oldestMs }: { readonly count: number; readonly oldestMs: number }) =>
        count === 1 && oldestMs > 0;
      const [open] = await eventually(() => {
        const { open, prepared } = numbers.read();
        return open.length > 0 && prepared.filter(isAged).length === 3 && open;
      });
      assert.deepEqual([open?.name, open?.status, open?.count, open?.stuck], ["collect", "active", 1, 0]);
      const api = world.app.kernel.get(coordinator);
      await api.decide(gid, "aborting", {});
      await api.pause(gid, false);
      await api.wake(gid);
      await world.settled();
      await eventually(() => {
        const { open, prepared, driven } = numbers.read();
        return open.length === 0 && prepared.every(({ count }) => count === 0) && driven[0]?.aborted.INTERRUPTED === 1;
      });
    });

    it("keeps one trace per transaction, with a span per branch and phase, also when others go on after a failure", async () => {
      const spans = keptSpans(systemPorts);
      await using world = await strategyWorld(server, testStrategy, {
        plugins: [given(tracer, "kept", spans)],
        use: { tracer: "kept" },
      });
      const { gid } = await world.run("collect");
      await world.settled();
      await eventually(() => spans.spans.some(({ name }) => name === "transaction collect"));
      const root = spans.spans.find(({ name }) => name === "transaction collect");
      const own = spans.spans.filter(({ attributes }) => attributes["mortise.transaction.gid"] === gid);
      assert.deepEqual(own.map(({ name }) => name).sort(), [
        ...["confirm also", "confirm put", "confirm take"],
        ...["reserve also", "reserve put", "reserve take", "transaction collect"],
      ]);
      assert.ok(own.every(({ trace }) => trace.traceId === root?.trace.traceId));
      assert.ok(own.every((span) => span === root || span.parentSpanId === root?.trace.spanId));

      // Begun by a process that is gone; its participants fail for a while, and this one goes on.
      const api = world.app.kernel.get(coordinator);
      const { sql } = await world.database(1);
      const lost = spans.start({ name: "transaction collect", kind: "internal", service: "gone" });
      const { version } = bankTransactions.collect;
      const other = "0190b4d2-0000-7000-8000-00000000000a";
      await sql`alter table mortise_fence rename to away`;
      await api.begin(
        {
          ...{ gid: other, name: "collect", version, strategy: "two-phases", status: "active", outputs: {} },
          input: codecOf(Payment).encode(money),
          branches: branchesOf(bankTransactions.collect as never).main,
          deadlineMs: 10_000,
          trace: encodeTraceparent(lost.context),
        },
        "a process that is gone",
        1,
      );
      const later = () => spans.spans.filter(({ attributes }) => attributes["mortise.transaction.gid"] === other);
      await eventually(async () => ((await api.get(other))?.attempts ?? 0) > 0, 60_000);
      await sql`alter table away rename to mortise_fence`;
      await world.settled();
      assert.equal(await world.wait("collect", other), "aborted");
      assert.ok((world.app.kernel.get(transactions).numbers.read().driven[0]?.rounds ?? 0) > 0);
      const names = new Map(later().map(({ name, code }) => [`${name} ${code}`, true]));
      assert.ok(
        names.has("cancel also OK") && later().some(({ name, code }) => name === "cancel also" && code !== "OK"),
      );
      assert.ok(later().every(({ trace }) => trace.traceId === lost.context.traceId));
      assert.ok(later().every(({ parentSpanId }) => parentSpanId === lost.context.spanId));
    });
  },
);
