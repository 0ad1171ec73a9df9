import assert from "node:assert/strict";
import type { Play } from "../crash/plays.ts";
import { appears, type Scene } from "../crash/scene.ts";
import type { Patience } from "../world/messages.ts";

/** Nobody is taken for dead, and waits grow from little to long: so what is tried too often stands out soon. */
export const patient: Partial<Patience> = {
  leaseMs: 30_000,
  backoffMs: 10,
  maxBackoffMs: 30_000,
  redeliverMs: 2_000,
  maxRedeliverMs: 60_000,
  redeliverAtOnce: 1,
};

/** More often than anything is tried in a test. */
const always = 1_000_000;

/** A bank cannot confirm for long after the decision. */
export const cannotConfirm: Play = async (scene) => {
  await scene.policy({ strategy: "tcc" });
  await scene.arm("second", `T10=fail*${always}`);
  const { gid } = await scene.run();
  await appears(
    () => scene.world.books.coordinator`
      select 1 from mortise_transaction
      where gid = ${gid} and (attempts >= 8 or created_at < clock_timestamp() - interval '10 seconds')`,
  );
  await scene.arm("second", "");
  assert.equal((await scene.whole()).get(gid), "committed");
};

/** A bank cannot reserve until the deadline. */
export const cannotReserve: Play = async (scene) => {
  await scene.policy({ strategy: "tcc", deadlineMs: 5_000 });
  await scene.arm("second", `T4=fail*${always}`);
  const { gid, status } = await scene.run({ timeoutMs: 60_000 });
  assert.equal(status, "aborted");
  await scene.arm("second", "");
  assert.equal((await scene.whole()).get(gid), "aborted");
};

/** A bank acknowledges nothing of what many transactions send it. */
export const acknowledgesNothing: Play = async (scene) => {
  const many = 30;
  await scene.policy({ strategy: "outbox" });
  await scene.arm("second", `O5=fail*${always}`);
  const all = await Promise.all(Array.from({ length: many }, () => scene.run()));
  await appears(() => outboxOf(scene)`where attempts > 1`, many);
  await scene.arm("second", "");
  const outcomes = await scene.whole();
  assert.deepEqual([...new Set(all.map(({ gid }) => outcomes.get(gid)))], ["committed"]);
};

/** A bank is gone for longer than a notice is tried. */
export const isGoneForNotices: Play = async (scene) => {
  await scene.policy({ strategy: "best-effort", scheduleMs: [100, 200, 400] });
  scene.world.process("second").signal("SIGKILL");
  const { gid } = await scene.run();
  await appears(
    () => outboxOf(scene)`where state = 'exhausted' or created_at < clock_timestamp() - interval '10 seconds'`,
  );
  await scene.world.restart("second");
  await scene.world.books.retries.sendAgain(gid);
  assert.equal((await scene.whole()).get(gid), "committed");
};

/** Rows of the outbox that are found by the rest of the statement. */
function outboxOf({ world }: Scene) {
  const own = world.books.sql("own");
  return (rest: TemplateStringsArray) => own`select 1 from mortise_outbox ${own.unsafe(String(rest))}`;
}
