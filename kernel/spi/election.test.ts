import assert from "node:assert/strict";
import { it } from "node:test";
import { systemPorts } from "../core/ports.ts";
import { eventually } from "../testing/eventually.ts";
import { keptLog, silentLog } from "../testing/logs.ts";
import { standForElection, type Term } from "./election.ts";
import { leasedLock } from "./leased-lock.ts";
import type { Lock } from "./lock.ts";

/** A lock of this process whose server can be made to forget its owner. */
function lockOf(): { lock: Lock; forget(): void } {
  let holder: string | undefined;
  let token = 0n;
  const server = {
    async take({ owner }: { owner: string }) {
      if (holder !== undefined) return undefined;
      holder = owner;
      return ++token;
    },
    renew: async ({ owner }: { owner: string }) => holder === owner,
    async release({ owner }: { owner: string }) {
      if (holder === owner) holder = undefined;
    },
    close: () => undefined,
  };
  return {
    lock: leasedLock(server, systemPorts).api,
    forget() {
      holder = undefined;
    },
  };
}

const until = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));

it("lets one of many lead, and another when that one withdraws", async () => {
  const { lock } = lockOf();
  const terms: Term[] = [];
  let leaders = 0;
  const stand = () =>
    standForElection(
      lock,
      {
        name: "a",
        leaseMs: 1000,
        async lead(term) {
          terms.push(term);
          assert.equal(++leaders, 1);
          await until(term.signal);
          leaders--;
        },
      },
      systemPorts,
      silentLog,
    );
  const candidates = [stand(), stand(), stand()];
  for (let left = 3; left > 0; left--) {
    const leader = await eventually(() => candidates.find(({ leading }) => leading));
    assert.equal(candidates.filter(({ leading }) => leading).length, 1);
    await leader.withdraw();
    candidates.splice(candidates.indexOf(leader), 1);
  }
  assert.deepEqual(
    terms.map(({ token }) => token),
    [1n, 2n, 3n],
  );
  assert.equal(leaders, 0);
});

it("ends the term of a leader that has lost its lock, and stands again", async () => {
  const { lock, forget } = lockOf();
  const terms: Term[] = [];
  const candidate = standForElection(
    lock,
    {
      name: "a",
      leaseMs: 300,
      async lead(term) {
        terms.push(term);
        await until(term.signal);
      },
    },
    systemPorts,
    silentLog,
  );
  await eventually(() => terms.length === 1);
  forget();
  await eventually(() => terms.length === 2);
  assert.deepEqual([terms[0]?.signal.aborted, terms[1]?.signal.aborted], [true, false]);
  await candidate.withdraw();
  assert.equal(terms[1]?.signal.aborted, true);
});

it("lets others lead when a leader fails, and says so", async () => {
  const { lock } = lockOf();
  const log = keptLog();
  const lead = async () => {
    throw new Error("broken");
  };
  const failing = standForElection(lock, { name: "a", leaseMs: 1000, lead }, systemPorts, log);
  await eventually(() => log.lines.some(({ level }) => level === "error"));
  const other = standForElection(
    lock,
    { name: "a", leaseMs: 1000, lead: ({ signal }) => until(signal) },
    systemPorts,
    silentLog,
  );
  await eventually(() => other.leading);
  await Promise.all([failing.withdraw(), other.withdraw()]);
});
