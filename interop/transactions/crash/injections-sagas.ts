import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Injection } from "./injecting.ts";
import { comesLate, isMended, isSeenEarly, isStuck, losesAnswer, oneSaysNo } from "./plays.ts";
import type { Scene } from "./scene.ts";

/** What an account holds changes by hand, and the books say so. */
async function byHand({ world }: Scene, account: string, cents: bigint): Promise<void> {
  const what = cents < 0n ? "take" : "put";
  const sum = String(cents < 0n ? -cents : cents);
  const gid = randomUUID();
  await world.books.sql("fourth").begin(async (sql) => {
    for (const act of ["reserve", "confirm"])
      await sql`insert into ledger (gid, step, act, what, account, cents) values (${gid}, 'hand', ${act}, ${what}, ${account}, ${sum}::bigint)`;
    await sql`update account set balance = balance + ${String(cents)}::bigint where id = ${account}`;
  });
}

export const sagaInjections: readonly Injection[] = [
  { point: "S3", what: "the answer of a step is lost", act: losesAnswer("saga", "second", "S3") },
  { point: "S3", what: "others see what is not decided, as they may", act: isSeenEarly("saga", "S3", true) },
  { point: "S4", what: "one of three banks says no", act: oneSaysNo("saga") },
  ...(["pay", "collect"] as const).map(
    (transaction): Injection => ({
      point: "S5",
      what: `the deadline passes while ${transaction === "pay" ? "the pivot" : "a step"} is on its way`,
      act: async (scene) => void (await comesLate(scene, "saga", "S5", { transaction })),
    }),
  ),
  {
    point: "S7",
    what: "an undo throws again and again",
    act: isMended("saga", ["second", "S7"], "aborted", { transaction: "collect", from: "dave" }),
  },
  {
    point: "S8",
    what: "a step behind the pivot fails again and again",
    act: isMended("saga", ["fourth", "S5"], "committed"),
  },
  {
    point: "S9",
    what: "what is to be undone was spent meanwhile",
    act: async (scene) => {
      await scene.policy({ strategy: "saga" });
      const { coordinator, sql } = scene.world.books;
      await scene.arm("fourth", "S3=hold");
      const running = scene.run({ transaction: "collect", cents: 20, timeoutMs: 60_000 });
      await scene.held("fourth", "S3");
      const [before] = await sql("fourth")<{ balance: string }[]>`select balance from account where id = 'bob'`;
      await byHand(scene, "bob", -BigInt(before?.balance ?? 0));
      const abort = JSON.stringify({ reason: "FORCED", message: "by hand", step: "", details: {} });
      const [row] = await coordinator<{ gid: string }[]>`
        update mortise_transaction set status = 'aborting', decided_at = now(), abort = ${abort}::text::json
        where status = 'active' returning gid`;
      await scene.release("fourth");
      const { gid, status } = await running;
      assert.deepEqual([status, gid], ["aborted", row?.gid]);
      await isStuck(scene, gid);
      await byHand(scene, "bob", 10_000n);
      assert.equal((await scene.whole()).get(gid), "aborted");
    },
  },
];
