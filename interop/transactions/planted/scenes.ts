import assert from "node:assert/strict";
import { eventually } from "@mortise/kernel/testing";
import { lateCoordinator } from "../crash/injections-inquiry.ts";
import { loseMessages } from "../crash/injections-outbox.ts";
import { rollsBackByHand } from "../crash/injections-prepared.ts";
import { isNeverBegun, type Play, preparedAt, sleepsThrough, whileHeld } from "../crash/plays.ts";
import { appears, type Scene } from "../crash/scene.ts";
import type { BugName } from "./bugs.ts";
import { acknowledgesNothing, cannotConfirm, cannotReserve, isGoneForNotices } from "./scenes-retries.ts";

/** Dies at a point, and others go on. */
function dying(strategy: string, order: string): Play {
  return async (scene) => {
    await scene.policy({ strategy });
    await scene.arm("own1", `${order}=kill`);
    const lost = scene.run({ key: `${order} ${scene.number}` }).catch(() => undefined);
    await Promise.all([scene.dies("own1"), lost]);
    await scene.whole();
  };
}

/** One answer is lost, or several in a row. */
function losing(strategy: string, point: string, times = 1): Play {
  return async (scene) => {
    await scene.policy({ strategy });
    await scene.arm("own1", `${point}=fail*${times}`);
    const { gid } = await scene.run();
    assert.equal((await scene.whole()).get(gid), "committed");
  };
}

/** Reserves come after their cancel, also twice. */
async function lateReserve(scene: Scene): Promise<void> {
  await scene.policy({ strategy: "tcc", deadlineMs: 10_000 }); // time to ask again, which lets it come twice
  await scene.arm("own1", "T4=hold*9");
  const { gid, status } = await scene.run({ role: "own2", timeoutMs: 60_000 });
  assert.equal(status, "aborted");
  await appears(() => scene.world.books.sql("second")`select 1 from mortise_fence where kind = 'cancel'`);
  const { retries } = scene.world.books;
  for (let held = retries.unanswered(gid, "reserve"); held > 0; ) {
    await scene.release("own1", "first");
    held--;
    await eventually(() => retries.unanswered(gid, "reserve") <= held);
  }
  await scene.release("own1", "all");
  await scene.whole();
}

/** Begins so late that its branches were taken for orphans. */
async function lateBegin(scene: Scene): Promise<void> {
  await scene.policy({ strategy: "tcc" });
  const { gid } = await whileHeld(scene, { point: "T1" }, () =>
    appears(() => scene.world.books.sql("fourth")`select 1 from ledger where act = 'cancel'`),
  );
  assert.equal((await scene.whole()).get(gid), "aborted");
}

/** Sleeps before its decision, while others abort. */
async function lateDecision(scene: Scene): Promise<void> {
  await scene.policy({ strategy: "tcc" });
  const { gid, status } = await sleepsThrough(scene, { point: "T7" }, () =>
    appears(() => scene.world.books.coordinator`select 1 from mortise_transaction where status like 'abort%'`),
  );
  assert.equal((await scene.whole()).get(gid), status);
}

/** Stands before its decision, while a person aborts it. */
async function forcedBefore(scene: Scene): Promise<void> {
  await scene.policy({ strategy: "tcc" });
  const { gid, status } = await whileHeld(scene, { point: "T7" }, async () => {
    const forced = { reason: "FORCED", message: "a person aborted it", step: "", details: {} };
    const rows = await scene.world.books.coordinator`
      update mortise_transaction set status = 'aborting', decided_at = now(), abort = ${JSON.stringify(forced)}::text::json
      where status = 'active' returning 1`;
    assert.equal(rows.length, 1);
  });
  assert.deepEqual([status, (await scene.whole()).get(gid)], ["aborted", "aborted"]);
}

/** Takes long before its decision, while it still works on it. */
async function slowDecision(scene: Scene): Promise<void> {
  await scene.policy({ strategy: "tcc" });
  const reserved = () => scene.world.books.sql("own")`
    select 1 from mortise_fence where kind = 'reserve' and created_at < clock_timestamp() - interval '6 seconds'`;
  const { gid } = await whileHeld(scene, { point: "T7" }, () => appears(reserved));
  assert.equal((await scene.whole()).get(gid), "committed");
}

/** The bus loses what it has accepted, while nobody was there to take it. */
async function lostMessages(scene: Scene): Promise<void> {
  await scene.policy({ strategy: "outbox" });
  scene.world.process("own1").signal("SIGKILL");
  await scene.world.process("own1").gone;
  const { gid } = await scene.run({ role: "own2" });
  const accepted = () => scene.world.books.sql("own")`select 1 from mortise_fence where gid = ${gid}
    and not exists (select from mortise_outbox where gid = ${gid} and branch = 'b2' and state = 'ready')`;
  await appears(accepted);
  await eventually(async () => (await loseMessages(scene.world.nats.url)) > 0);
  await scene.world.restart("own1");
  assert.equal((await scene.whole()).get(gid), "committed");
}

/** Wants to go on after a check-back has taken it back. */
async function lateLocal(scene: Scene): Promise<void> {
  await scene.policy({ strategy: "message" });
  const { gid } = await sleepsThrough(scene, { point: "M2" }, () =>
    appears(() => scene.world.books.coordinator`select 1 from mortise_transaction where status like 'abort%'`),
  );
  assert.equal((await scene.whole()).get(gid), "aborted");
}

/** For each mistake what shows it. Without any, all of it goes well. */
export const plays: Readonly<Record<BugName, Play>> = {
  confirmBeforeDecision: forcedBefore,
  decisionWithoutCompare: lateDecision,
  noTombstone: lateReserve,
  tombstoneRemoved: lateReserve,
  statementTwice: losing("tcc", "T3", 3),
  fenceOutside: losing("tcc", "T5"),
  separateSlots: dying("tcc", "T7"),
  goneIsCommitted: rollsBackByHand,
  outboxDeletedOnPublish: lostMessages,
  resultNotStored: losing("tcc", "T3"),
  checkBackBySelect: lateLocal,
  nullRunsBusiness: dying("tcc", "T2:3"),
  endBeforeConfirms: dying("tcc", "T9:2"),
  guessedCommit: dying("tcc", "T2:3"),
  unilateralCommit: isNeverBegun("xa", "X1", preparedAt("fourth")),
  unilateralAbort: lateCoordinator,
  sweepOfTheActive: slowDecision,
  strategyNotPinned: dying("message", "M8"),
  inquiryForgets: lateBegin,
  roundsNeverRest: cannotConfirm,
  asksAtOnce: cannotReserve,
  sendsAllAgain: acknowledgesNothing,
  noticesWithoutEnd: isGoneForNotices,
};
