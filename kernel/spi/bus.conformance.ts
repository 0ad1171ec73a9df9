import assert from "node:assert/strict";
import { systemPorts } from "../core/ports.ts";
import { conformance } from "../testing/conformance.ts";
import { eventually } from "../testing/eventually.ts";
import type { Bus, BusMessage, Delivery, SubscribeOptions } from "./bus.ts";

/** A topic no other law uses. */
const anyTopic = () => `law.t${systemPorts.ids.hex(6)}.Happened`;
const quick: SubscribeOptions = { backoffMs: 10, maxBackoffMs: 50 };

function message(id: string, changes: Partial<BusMessage> = {}): BusMessage {
  return { id, body: new TextEncoder().encode(id), headers: {}, ...changes };
}

interface Seen {
  /** Deliveries in the order their handlers began. */
  readonly begun: Delivery[];
  /** Those whose handlers resolved, in that order. */
  readonly done: Delivery[];
  /** Handlers under way, by key. */
  readonly active: Map<string, number>;
  maxActive: number;
  maxActivePerKey: number;
}

/** A handler that keeps what it sees, does `work` and then resolves. */
function seeing(work: (delivery: Delivery) => Promise<void> | void = () => undefined) {
  const seen: Seen = { begun: [], done: [], active: new Map(), maxActive: 0, maxActivePerKey: 0 };
  const handler = async (delivery: Delivery) => {
    const key = delivery.key ?? "";
    const active = (seen.active.get(key) ?? 0) + 1;
    seen.active.set(key, active);
    const all = [...seen.active.values()].reduce((a, b) => a + b, 0);
    seen.maxActive = Math.max(seen.maxActive, all);
    if (delivery.key !== undefined) seen.maxActivePerKey = Math.max(seen.maxActivePerKey, active);
    seen.begun.push(delivery);
    try {
      await work(delivery);
      seen.done.push(delivery);
    } finally {
      seen.active.set(key, (seen.active.get(key) ?? 0) - 1);
    }
  };
  return { seen, handler };
}

const ids = (deliveries: readonly Delivery[]) => deliveries.map(({ id }) => id);
const pause = (ms: number) => systemPorts.timers.sleep(ms);

/** Work that begins to end when so much of it is under way, and takes a while then. */
function gathering(count: number): () => Promise<void> {
  const full = Promise.withResolvers<void>();
  let begun = 0;
  return async () => {
    if (++begun === count) full.resolve();
    await full.promise;
    await pause(20);
  };
}
const doneWith = (seen: Seen, count: number, withinMs = 60_000) =>
  eventually(() => seen.done.length >= count, withinMs);

async function publishAll(bus: Bus, topic: string, messages: readonly BusMessage[]): Promise<void> {
  for (const one of messages) await bus.publish(topic, one);
}

/** Whether an attempt of a message fails, by a rule that looks random and is the same every time. */
function fails(id: string, attempt: number): boolean {
  let hash = attempt * 31;
  for (const char of id) hash = (hash * 33 + char.charCodeAt(0)) % 9973;
  return attempt < 4 && hash % 3 === 0;
}

/** The contract of `bus` as laws; see docs/spi/bus.md. Each takes a bus that is running. */
export const busConformance = conformance<Bus>("bus", [
  {
    law: "delivers a message as it was published",
    check: async (bus) => {
      const [topic, body] = [anyTopic(), Uint8Array.from({ length: 256 }, (_, byte) => byte)];
      const headers = { traceparent: "00-0af7-b7ad-01", baggage: "a=%20b,c=d", "x-name": " 榫卯: 100%\r\n", empty: "" };
      const { seen, handler } = seeing();
      await bus.subscribe(topic, "g", handler);
      await bus.publish(topic, { id: "id 1/ü", key: "key %.*>/ü", body, headers });
      await doneWith(seen, 1);
      assert.deepEqual(
        { ...seen.done[0], body: Uint8Array.from(seen.done[0]?.body ?? []) },
        {
          id: "id 1/ü",
          key: "key %.*>/ü",
          body,
          headers,
          topic,
          attempt: 1,
        },
      );
    },
  },
  {
    law: "delivers without a key when there was none",
    check: async (bus) => {
      const topic = anyTopic();
      const { seen, handler } = seeing();
      await bus.subscribe(topic, "g", handler);
      await bus.publish(topic, message("m", { body: new Uint8Array() }));
      await doneWith(seen, 1);
      assert.equal("key" in (seen.done[0] ?? {}), false);
      assert.equal(seen.done[0]?.body.length, 0);
    },
  },
  {
    law: "is not moved by what publishers and handlers do to a body",
    check: async (bus) => {
      const topic = anyTopic();
      const [spoiling, other] = [
        seeing(({ body }) => {
          body.fill(0);
        }),
        seeing(({ attempt }) => (attempt === 1 ? Promise.reject(new Error("once more")) : undefined)),
      ];
      await bus.subscribe(topic, "spoiling", spoiling.handler);
      await bus.subscribe(topic, "other", other.handler, quick);
      const body = new Uint8Array([1, 2, 3]);
      const publishing = bus.publish(topic, { id: "m", body, headers: {} });
      body.fill(9);
      await publishing;
      await Promise.all([doneWith(spoiling.seen, 1), doneWith(other.seen, 1)]);
      assert.deepEqual([...(other.seen.done[0]?.body ?? [])], [1, 2, 3]);
    },
  },
  {
    law: "gives every group every message, and one member of it",
    check: async (bus) => {
      const topic = anyTopic();
      const [a1, a2, b] = [seeing(() => pause(2)), seeing(() => pause(2)), seeing()];
      await bus.subscribe(topic, "a", a1.handler, { concurrency: 1 });
      await bus.subscribe(topic, "a", a2.handler, { concurrency: 1 });
      await bus.subscribe(topic, "b", b.handler);
      const published = Array.from({ length: 40 }, (_, i) => message(`m${i}`));
      await publishAll(bus, topic, published);
      await eventually(() => a1.seen.done.length + a2.seen.done.length >= 40 && b.seen.done.length >= 40);
      assert.deepEqual([...ids(a1.seen.done), ...ids(a2.seen.done)].sort(), ids(published as Delivery[]).sort());
      assert.deepEqual(ids(b.seen.done).sort(), ids(published as Delivery[]).sort());
      assert.ok(a1.seen.done.length > 0 && a2.seen.done.length > 0, "both members get some");
    },
  },
  {
    law: "keeps topics apart",
    check: async (bus) => {
      const [one, other] = [anyTopic(), anyTopic()];
      const [seesOne, seesOther] = [seeing(), seeing()];
      await bus.subscribe(one, "g", seesOne.handler);
      await bus.subscribe(other, "g", seesOther.handler);
      await publishAll(bus, one, [message("m")]);
      await publishAll(bus, other, [message("m")]);
      await Promise.all([doneWith(seesOne.seen, 1), doneWith(seesOther.seen, 1)]);
      assert.deepEqual([seesOne.seen.begun.length, seesOther.seen.begun.length], [1, 1]);
    },
  },
  {
    law: "takes a message nobody listens to",
    check: (bus) => bus.publish(anyTopic(), message("m")),
  },
  {
    law: "gives a group nothing that was published before it first subscribed",
    check: async (bus) => {
      const topic = anyTopic();
      const { seen, handler } = seeing();
      await bus.publish(topic, message("before"));
      await bus.subscribe(topic, "g", handler);
      await bus.publish(topic, message("after"));
      await doneWith(seen, 1);
      assert.deepEqual(ids(seen.begun), ["after"]);
    },
  },
  {
    law: "keeps messages for a group it knows while nobody serves it",
    check: async (bus) => {
      const topic = anyTopic();
      const [first, second] = [seeing(), seeing()];
      const subscription = await bus.subscribe(topic, "g", first.handler);
      await bus.publish(topic, message("m0", { key: "k" }));
      await doneWith(first.seen, 1);
      await subscription.close();
      await publishAll(
        bus,
        topic,
        [1, 2, 3].map((i) => message(`m${i}`, { key: "k" })),
      );
      await bus.subscribe(topic, "g", second.handler);
      await doneWith(second.seen, 3);
      assert.deepEqual(ids(second.seen.done), ["m1", "m2", "m3"]);
      assert.equal(first.seen.begun.length, 1);
    },
  },
  {
    law: "has no effect when an id is published again to the same topic",
    check: async (bus) => {
      const topic = anyTopic();
      const { seen, handler } = seeing();
      await bus.subscribe(topic, "g", handler);
      await publishAll(bus, topic, [message("m"), message("m"), message("m", { key: "other" }), message("last")]);
      await eventually(() => ids(seen.done).includes("last"));
      await publishAll(bus, topic, [message("m"), message("end")]);
      await eventually(() => ids(seen.done).includes("end"));
      assert.deepEqual(ids(seen.begun).sort(), ["end", "last", "m"]);
    },
  },
  {
    law: "delivers messages of one key in order and one at a time, whatever fails",
    check: async (bus) => {
      const topic = anyTopic();
      const work = async ({ id, attempt }: Delivery) => {
        await pause(attempt % 3);
        if (fails(id, attempt)) throw new Error("as planned");
      };
      const { seen, handler } = seeing(work);
      await bus.subscribe(topic, "g", handler, quick);
      await bus.subscribe(topic, "g", handler, quick);
      const keys = ["a", "b", "c", "d", "e"];
      const published = Array.from({ length: 60 }, (_, i) => message(`m${i}`, { key: keys[i % 5] ?? "" }));
      await publishAll(bus, topic, published);
      await doneWith(seen, 60);
      for (const key of keys) {
        const inOrder = published.filter((one) => one.key === key).map(({ id }) => id);
        assert.deepEqual(ids(seen.done.filter((one) => one.key === key)), inOrder);
      }
      assert.ok(seen.begun.length > 60, "some failed");
      assert.equal(seen.maxActivePerKey, 1);
    },
  },
  {
    law: "handles messages without a key at the same time, at most `concurrency` of them",
    check: async (bus) => {
      const topic = anyTopic();
      const { seen, handler } = seeing(gathering(4));
      await bus.subscribe(topic, "g", handler, { concurrency: 4 });
      await publishAll(
        bus,
        topic,
        Array.from({ length: 24 }, (_, i) => message(`m${i}`)),
      );
      await doneWith(seen, 24);
      assert.equal(seen.maxActive, 4);
    },
  },
  {
    law: "handles messages with different keys at the same time, at most `concurrency` of them",
    check: async (bus) => {
      const topic = anyTopic();
      const { seen, handler } = seeing(gathering(3));
      await bus.subscribe(topic, "g", handler, { concurrency: 3 });
      await publishAll(
        bus,
        topic,
        Array.from({ length: 40 }, (_, i) => message(`m${i}`, { key: `k${i}` })),
      );
      await doneWith(seen, 40);
      assert.equal(seen.maxActive, 3);
    },
  },
  {
    law: "delivers a message again after the back-off, which doubles up to its limit",
    check: async (bus) => {
      const [topic, at] = [anyTopic(), [] as number[]];
      const { seen, handler } = seeing(({ attempt }) => {
        at.push(systemPorts.clock.now());
        if (attempt < 5) throw new Error("as planned");
      });
      await bus.subscribe(topic, "g", handler, { backoffMs: 40, maxBackoffMs: 100 });
      await bus.publish(topic, message("m"));
      await doneWith(seen, 1);
      assert.deepEqual(
        seen.begun.map(({ attempt }) => attempt),
        [1, 2, 3, 4, 5],
      );
      const waits = at.slice(1).map((time, i) => time - (at[i] ?? 0));
      for (const [i, least] of [40, 80, 100, 100].entries()) {
        assert.ok((waits[i] ?? 0) >= least - 5, `wait ${i} of ${waits.map(Math.round)} is shorter than ${least} ms`);
        assert.ok(
          (waits[i] ?? 0) < least + 15_000,
          `wait ${i} of ${waits.map(Math.round)} is far longer than ${least} ms`,
        );
      }
    },
  },
  {
    law: "does not hold up other keys while a message of one waits for its next attempt",
    check: async (bus) => {
      const topic = anyTopic();
      const { seen, handler } = seeing(({ key, attempt }) => {
        if (key === "k0" && attempt === 1) throw new Error("as planned");
      });
      await bus.subscribe(topic, "g", handler, { backoffMs: 8000 });
      await publishAll(
        bus,
        topic,
        Array.from({ length: 60 }, (_, i) => message(`m${i}`, { key: `k${i}` })),
      );
      await doneWith(seen, 59, 5000);
    },
  },
  {
    law: "gives up after maxAttempts, keeps the message among the dead letters and goes on with the key",
    check: async (bus) => {
      const topic = anyTopic();
      const { seen, handler } = seeing(({ id }) => {
        if (id.startsWith("bad")) throw new Error(`cannot do ${id}`);
      });
      await bus.subscribe(topic, "g", handler, { ...quick, maxAttempts: 3 });
      const headers = { "x-why": "ü" };
      await publishAll(
        bus,
        topic,
        ["good1", "bad1", "good2", "bad2", "good3"].map((id) => message(id, { key: "k", headers })),
      );
      await doneWith(seen, 3);
      assert.deepEqual(ids(seen.done), ["good1", "good2", "good3"]);
      const dead = await bus.deadLetters(topic, "g");
      assert.deepEqual(
        dead.map(({ body, ...rest }) => ({ ...rest, body: new TextDecoder().decode(body) })),
        ["bad1", "bad2"].map((id) => ({
          id,
          key: "k",
          headers,
          topic,
          attempt: 3,
          group: "g",
          error: `cannot do ${id}`,
          body: id,
        })),
      );
    },
  },
  {
    law: "keeps dead letters by topic and group",
    check: async (bus) => {
      const [topic, other] = [anyTopic(), anyTopic()];
      const failing = seeing(() => Promise.reject(new Error("as planned")));
      const fine = seeing();
      await bus.subscribe(topic, "fails", failing.handler, { maxAttempts: 1 });
      await bus.subscribe(topic, "works", fine.handler);
      await bus.publish(topic, message("m"));
      await eventually(async () => (await bus.deadLetters(topic, "fails")).length === 1);
      assert.deepEqual(await bus.deadLetters(topic, "works"), []);
      assert.deepEqual(await bus.deadLetters(topic, "unknown"), []);
      assert.deepEqual(await bus.deadLetters(other, "fails"), []);
    },
  },
  {
    law: "takes a handler that throws at once for one that rejects",
    check: async (bus) => {
      const topic = anyTopic();
      const throwing = () => {
        throw new Error("at once");
      };
      await bus.subscribe(topic, "g", throwing, { maxAttempts: 1 });
      await bus.publish(topic, message("m"));
      const [dead] = await eventually(async () => {
        const letters = await bus.deadLetters(topic, "g");
        return letters.length > 0 && letters;
      });
      assert.equal(dead?.error, "at once");
    },
  },
  {
    law: "waits at a close for handlers under way, and leaves the rest to others",
    check: async (bus) => {
      const topic = anyTopic();
      let release: () => void = () => undefined;
      const gate = new Promise<void>((resolve) => {
        release = resolve;
      });
      const [leaving, staying] = [seeing(() => gate), seeing()];
      const subscription = await bus.subscribe(topic, "g", leaving.handler, { concurrency: 1 });
      await publishAll(
        bus,
        topic,
        [1, 2, 3].map((i) => message(`m${i}`, { key: "k" })),
      );
      await eventually(() => leaving.seen.begun.length === 1);
      let closed = false;
      const closing = subscription.close().then(() => {
        closed = true;
      });
      await pause(30);
      assert.equal(closed, false);
      await bus.subscribe(topic, "g", staying.handler);
      release();
      await closing;
      assert.deepEqual(ids(leaving.seen.done), ["m1"]);
      await doneWith(staying.seen, 2);
      assert.deepEqual([...ids(leaving.seen.begun), ...ids(staying.seen.done)], ["m1", "m2", "m3"]);
      await subscription.close();
    },
  },
  {
    law: "refuses what cannot be a topic, a group, an id or an option",
    check: async (bus) => {
      const nothing = async () => undefined;
      const invalid = { name: "StatusError", code: "INVALID_ARGUMENT" };
      for (const topic of ["", "a b", "a..b", ".a", "a.", "a.*", "a.>", "ä", "a-b"]) {
        await assert.rejects(bus.publish(topic, message("m")), invalid, topic);
        await assert.rejects(bus.subscribe(topic, "g", nothing), invalid, topic);
      }
      for (const group of ["", "a b", "a.b", "*", ">", "ä"]) {
        await assert.rejects(bus.subscribe(anyTopic(), group, nothing), invalid, group);
        await assert.rejects(bus.deadLetters(anyTopic(), group), invalid, group);
      }
      await assert.rejects(bus.publish(anyTopic(), message("")), invalid);
      for (const wrong of [{ concurrency: 0 }, { maxAttempts: 0 }, { backoffMs: -1 }, { maxBackoffMs: Number.NaN }]) {
        await assert.rejects(bus.subscribe(anyTopic(), "g", nothing, wrong), invalid, JSON.stringify(wrong));
      }
    },
  },
]);
