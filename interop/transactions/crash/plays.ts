import assert from "node:assert/strict";
import type { Told } from "../world/messages.ts";
import type { Role } from "../world/world.ts";
import { appears, type Scene, type Wish } from "./scene.ts";

/** What is played in several scenes, under several strategies. */
export type Play = (scene: Scene) => Promise<void>;

interface Hold {
  readonly point: string;
  /** Who is held; by default who begins. */
  readonly role?: Role;
  /** How many are held there; by default the first. */
  readonly times?: number;
  readonly wish?: Wish;
}

/** Holds a transaction at a point while something else happens; then it goes on. */
export async function whileHeld(scene: Scene, hold: Hold, work: () => Promise<unknown>): Promise<Told> {
  const { point, role = "own1", times = 1, wish } = hold;
  await scene.arm(role, `${point}=hold*${times}`);
  const running = scene.run({ timeoutMs: 60_000, ...wish });
  await scene.held(role, point);
  await work();
  await scene.release(role);
  return running;
}

/** Sleeps for longer than its lease at a point, while the other node settles it; then goes on. */
export function sleepsThrough(
  scene: Scene,
  hold: Pick<Hold, "point" | "times">,
  until: () => Promise<unknown>,
): Promise<Told> {
  const own1 = scene.world.process("own1");
  return whileHeld(scene, hold, async () => {
    own1.signal("SIGSTOP");
    await until();
    own1.signal("SIGCONT");
  });
}

/** An answer is lost, and it is done once all the same. */
export function losesAnswer(strategy: string, role: Role, point: string): Play {
  return async (scene) => {
    await scene.policy({ strategy });
    await scene.arm(role, `${point}=fail`);
    const { gid, status } = await scene.run();
    assert.deepEqual([status, (await scene.whole()).get(gid)], ["committed", "committed"]);
  };
}

/** The coordinator's database loses the decision when one branch has gone through with it, and that branch tells it again. */
export function losesDecision(strategy: string, point: string): Play {
  return async (scene) => {
    await scene.policy({ strategy });
    const { coordinator, sql } = scene.world.books;
    const key = `lost decision by ${strategy}`;
    await scene.arm("own1", `${point}:3=hold*9`);
    const running = scene.run({ key }).catch(() => undefined);
    await scene.held("own1", point);
    const [lost] = await coordinator<
      { gid: string }[]
    >`select gid from mortise_transaction where status = 'committing'`;
    assert.ok(lost);
    const confirmed = (bank: "own" | "second") => sql(bank)`
      select 1 from mortise_fence where gid = ${lost.gid} and slot = 'F' and kind = 'confirm'`;
    await appears(() => confirmed("own"));
    assert.equal((await confirmed("second")).length, 0);
    scene.world.books.decisionLost(lost.gid);
    await coordinator`update mortise_transaction set status = 'active', decided_at = null where gid = ${lost.gid}`;
    scene.world.process("own1").signal("SIGKILL");
    await Promise.all([running, scene.world.restart("own1")]);
    await scene.whole();
    const { gid, status } = await scene.run({ key, role: "own2" });
    assert.deepEqual([gid, status], [lost.gid, "committed"]);
    assert.equal((await scene.whole()).get(gid), "committed");
  };
}

/** Held when all has been asked for and nothing is decided: whether others see it then as done. */
export function isSeenEarly(strategy: string, point: string, seen: boolean): Play {
  return async (scene) => {
    await scene.policy({ strategy });
    const { books } = scene.world;
    await scene.arm("fourth", `${point}=hold`);
    const running = scene.run({ transaction: "collect", timeoutMs: 60_000 });
    await scene.held("fourth", point);
    await books.observe();
    await scene.release("fourth");
    const { gid, status } = await running;
    assert.deepEqual([status, books.dirty.has(gid)], ["committed", seen]);
    assert.equal((await scene.whole()).get(gid), "committed");
  };
}

/** One of three banks says no, and nothing stays anywhere. */
export function oneSaysNo(strategy: string): Play {
  return async (scene) => {
    await scene.policy({ strategy });
    const { gid, reason } = await scene.run({ transaction: "collect", from: "dave" });
    assert.equal(reason, "TOO_LITTLE");
    assert.equal((await scene.whole()).get(gid), "aborted");
  };
}

/** Fails again and again until somebody mends it: that is told, and it ends as it was decided. */
export function isMended(
  strategy: string,
  [role, point]: readonly [Role, string],
  decided: "committed" | "aborted",
  wish: Wish = {},
): Play {
  return async (scene) => {
    await scene.policy({ strategy });
    await scene.arm(role, `${point}=fail*999`);
    const { gid, status } = await scene.run(wish);
    assert.equal(status, decided);
    await isStuck(scene, gid);
    await scene.arm(role, "");
    assert.equal((await scene.whole()).get(gid), decided);
  };
}

/** Waits until a transaction is said to need a person. */
export function isStuck({ world }: Scene, gid: string): Promise<true> {
  return appears(() => world.books.coordinator`select 1 from mortise_transaction where gid = ${gid} and stuck`);
}

/** A request comes when the deadline has had all of it taken back. Gives why it was. */
export async function comesLate(scene: Scene, strategy: string, point: string, wish: Wish = {}): Promise<string> {
  await scene.policy({ strategy, deadlineMs: 1_500 });
  await scene.arm("second", `${point}=hold*9`);
  const { gid, status, reason } = await scene.run(wish);
  assert.equal(status, "aborted");
  await scene.whole();
  await scene.release("second");
  await scene.policy({ strategy });
  assert.equal((await scene.run()).status, "committed");
  assert.equal((await scene.whole()).get(gid), "aborted");
  return reason;
}

/** Branches are held, and whoever was to begin dies before anybody knows. */
export function isNeverBegun(
  strategy: string,
  point: string,
  held: (scene: Scene) => PromiseLike<readonly unknown[]>,
): Play {
  return async (scene) => {
    await scene.policy({ strategy });
    await scene.arm("own1", `${point}=hold`);
    const lost = assert.rejects(scene.run());
    await appears(() => held(scene));
    scene.world.process("own1").signal("SIGKILL");
    await Promise.all([lost, scene.world.restart("own1")]);
    await scene.whole();
  };
}

/** What is prepared at a bank. */
export function preparedAt(bank: "second" | "fourth"): (scene: Scene) => PromiseLike<readonly unknown[]> {
  return ({ world }) => world.books.sql(bank)`select 1 from pg_prepared_xacts where database = current_database()`;
}
