import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Bus, BusMessage } from "@mortise/kernel";
import { busConformance } from "@mortise/kernel/spi/bus.conformance";
import { keptLog, startPlugin, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { memory } from "./memory.ts";

busConformance({
  name: "memory",
  make: async () => {
    const { api, stop } = await startPlugin<Bus>(memory);
    return { subject: api, ...(stop && { end: stop }) };
  },
});

const message = (id: string, key?: string): BusMessage => ({
  id,
  ...(key !== undefined && { key }),
  body: new Uint8Array(),
  headers: {},
});

describe("bus/memory", () => {
  it("forgets ids after the window", async () => {
    const ports = virtualPorts();
    const { api } = await startPlugin<Bus>(memory, { options: { dedupeWindowMs: 1000 }, ports });
    const seen: string[] = [];
    await api.subscribe("t", "g", async ({ id }) => void seen.push(id));
    await api.publish("t", message("m"));
    await ports.advance(999);
    await api.publish("t", message("m"));
    await ports.advance(1);
    await api.publish("t", message("m"));
    await ports.advance(0);
    assert.deepEqual(seen, ["m", "m"]);
  });

  it("refuses a message when a group has too many waiting, and takes it later", async () => {
    const { api } = await startPlugin<Bus>(memory, { options: { maxPending: 2 } });
    const seen: string[] = [];
    const subscription = await api.subscribe("t", "full", async () => undefined);
    await subscription.close();
    await api.subscribe("t", "free", async ({ id }) => void seen.push(id));
    await api.publish("t", message("m1"));
    await api.publish("t", message("m2"));
    await assert.rejects(api.publish("t", message("m3")), {
      code: "RESOURCE_EXHAUSTED",
      reason: "BUS_FULL",
      retryable: true,
      message: /group full of topic t has 2 messages waiting/,
    });
    await api.subscribe("t", "full", async () => undefined);
    await new Promise(setImmediate);
    await api.publish("t", message("m3"));
    await new Promise(setImmediate);
    assert.deepEqual(seen, ["m1", "m2", "m3"]);
  });

  it("finishes handlers at its stop, takes nothing after it and says what is lost", async () => {
    const log = keptLog();
    const { api, stop } = await startPlugin<Bus>(memory, { log });
    let finished = 0;
    await api.subscribe(
      "t",
      "g",
      async () => {
        await new Promise(setImmediate);
        finished++;
      },
      { concurrency: 2 },
    );
    for (const id of ["m1", "m2", "m3"]) await api.publish("t", message(id));
    await stop?.();
    assert.equal(finished, 2);
    assert.deepEqual(
      log.lines.map(({ level, fields }) => [level, fields]),
      [["warn", { lost: 1 }]],
    );
    await assert.rejects(api.publish("t", message("m4")), { code: "UNAVAILABLE" });
    await assert.rejects(
      api.subscribe("t", "g", async () => undefined),
      { code: "UNAVAILABLE" },
    );
  });

  it("keeps order, attempts and dead letters right for any pattern of failures and members", async () => {
    const event = fc.record({ key: fc.constantFrom(undefined, "a", "b", "c"), failures: fc.nat({ max: 5 }) });
    await fc.assert(fc.asyncProperty(fc.array(event, { maxLength: 40 }), fc.integer({ min: 1, max: 4 }), check), {
      numRuns: 100,
    });
  });
});

interface Event {
  readonly key: string | undefined;
  /** How often the handler fails on it. */
  readonly failures: number;
}

async function check(events: readonly Event[], members: number): Promise<void> {
  const ports = virtualPorts();
  const maxAttempts = 4;
  const { api } = await startPlugin<Bus>(memory, { ports });
  const attempts = new Map<string, number[]>();
  const done: string[] = [];
  const handler = async ({ id, attempt }: { readonly id: string; readonly attempt: number }) => {
    attempts.set(id, [...(attempts.get(id) ?? []), attempt]);
    await ports.timers.sleep(attempt * 3);
    if (attempt <= (events[Number(id)]?.failures ?? 0)) throw new Error("as planned");
    done.push(id);
  };
  for (let member = 0; member < members; member++) {
    await api.subscribe("t", "g", handler, { maxAttempts, concurrency: 2 });
  }
  for (const [i, { key }] of events.entries()) await api.publish("t", message(String(i), key));
  await ports.advance(1_000_000);

  const dead = (await api.deadLetters("t", "g")).map(({ id }) => id);
  const all = events.map(({ key, failures }, i) => ({ id: String(i), key, failures }));
  const expected = (survives: boolean) => all.filter(({ failures }) => failures < maxAttempts === survives);
  for (const key of ["a", "b", "c"]) {
    const ofKey = ({ key: own }: Event) => own === key;
    const wanted = expected(true)
      .filter(ofKey)
      .map(({ id }) => id);
    assert.deepEqual(
      done.filter((id) => wanted.includes(id)),
      wanted,
    );
  }
  assert.deepEqual(
    [...done].sort(),
    expected(true)
      .map(({ id }) => id)
      .sort(),
  );
  assert.deepEqual(
    [...dead].sort(),
    expected(false)
      .map(({ id }) => id)
      .sort(),
  );
  for (const { id, failures } of all) {
    const count = Math.min(failures + 1, maxAttempts);
    assert.deepEqual(
      attempts.get(id),
      Array.from({ length: count }, (_, i) => i + 1),
    );
  }
}
