import assert from "node:assert/strict";
import { eventually } from "@mortise/kernel/testing";
import type { Injection } from "./injecting.ts";
import { whileHeld } from "./plays.ts";
import type { Scene } from "./scene.ts";

/** Long enough for all votes on a busy machine. */
const deadline = { deadlineMs: 10_000 };
const holding = ["second", "fourth"] as const;

/** Waits until nothing is prepared or set aside at the banks that only take part. */
async function freed({ world: { books } }: Scene): Promise<void> {
  for (const bank of holding)
    await eventually(async () => {
      const held = await books.sql(bank)`
        select gid from pg_prepared_xacts where database = current_database()
        union all select id from account where frozen <> 0 or coming <> 0`;
      return held.length === 0;
    }, 60_000);
}

/** Every process that begins transactions dies after all votes, before the decision: whoever holds a branch frees itself. */
export function allInitiatorsDie(strategy: string, voted: string) {
  return async (scene: Scene): Promise<void> => {
    const { world } = scene;
    await scene.policy({ strategy, ...deadline });
    await scene.arm("own1", `${voted}=hold`);
    const lost = assert.rejects(scene.run({ timeoutMs: 120_000 }));
    await scene.held("own1", voted);
    const owns = [world.process("own1"), world.process("own2")];
    for (const one of owns) one.signal("SIGKILL");
    await Promise.all([lost, ...owns.map(({ gone }) => gone)]);
    await freed(scene);
    const [row] = await world.books.coordinator<{ gid: string; abort: { reason: string } }[]>`
      select gid::text, abort from mortise_transaction where status = 'aborting' and name <> ''`;
    assert.equal(row?.abort.reason, "DEADLINE");
    await Promise.all([world.restart("own1"), world.restart("own2")]);
    assert.equal((await scene.whole()).get(row.gid), "aborted");
  };
}

/** Takes its time before the decision, and keeps its lease: participants have it aborted, and it has to follow. */
export async function lateCoordinator(scene: Scene): Promise<void> {
  await scene.policy({ strategy: "3pc", ...deadline });
  const late = { point: "P3", role: "own2", wish: { role: "own2", timeoutMs: 120_000 } } as const;
  const { gid, status } = await whileHeld(scene, late, () => freed(scene));
  assert.deepEqual([status, (await scene.whole()).get(gid)], ["aborted", "aborted"]);
}

export const inquiryInjections: readonly Injection[] = [
  {
    point: "P5",
    what: "all who begin transactions die before the decision, and participants free themselves",
    act: allInitiatorsDie("3pc", "P3"),
  },
  {
    point: "X5",
    what: "all who begin transactions die before the decision, and participants free themselves",
    act: allInitiatorsDie("xa", "X5"),
  },
  {
    point: "T7",
    what: "all who begin transactions die before the decision, and participants give back what is set aside",
    act: allInitiatorsDie("tcc", "T7"),
  },
  { point: "P5", what: "a coordinator that comes back late follows the abort of a participant", act: lateCoordinator },
];
