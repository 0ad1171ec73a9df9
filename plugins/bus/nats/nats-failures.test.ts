import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Bus, type Delivery, type Running, StatusError } from "@mortise/kernel";
import { eventually, keptLog, natsServer, onServer, silentLog, startPlugin } from "@mortise/kernel/testing";
import { nats } from "./nats.ts";

const keys = ["a", "b", "c", "d", "e"];
const message = (i: number) => ({ id: `m${i}`, key: keys[i % 5] ?? "", body: new Uint8Array([i]), headers: {} });
const running: Running<Bus>[] = [];
const start = async (servers: string, more: object = {}, log = silentLog) => {
  const bus = await startPlugin<Bus>(nats, { options: { servers, ...more }, log });
  running.push(bus);
  return bus;
};

/** Checks that the first time each message of a key ended is in the order they were published. */
function assertOrder(ended: readonly { readonly id: string; readonly key?: string }[], count: number): void {
  for (const [index, key] of keys.entries()) {
    const firsts = [...new Set(ended.filter((one) => one.key === key).map(({ id }) => id))];
    const published = Array.from({ length: count }, (_, i) => i).filter((i) => i % 5 === index);
    assert.deepEqual(
      firsts,
      published.map((i) => `m${i}`),
    );
  }
}

/** Publishes as an outbox does: the same message again until the bus has taken it. */
async function publishUntilTaken(bus: Bus, topic: string, i: number): Promise<void> {
  await eventually(async () => {
    await bus.publish(topic, message(i));
    return true;
  }, 60_000);
}

await onServer(
  "bus/nats when a server fails",
  () => natsServer({ ours: true }),
  (server) => {
    after(() => Promise.all(running.map(async ({ stop }) => stop?.())));

    it("says at once that it cannot publish while the server is down, and goes on when it is back", async () => {
      const log = keptLog();
      const { api } = await start(server.url, { publishTimeoutMs: 30_000 }, log);
      const seen: string[] = [];
      await api.subscribe("down", "g", async ({ id }) => void seen.push(id));
      await api.publish("down", message(1));
      await server.kill();
      await eventually(() => log.lines.some(({ level }) => level === "warn"));
      const began = performance.now();
      await assert.rejects(api.publish("down", message(2)), (error) => {
        assert.ok(error instanceof StatusError);
        assert.deepEqual([error.code, error.retryable], ["UNAVAILABLE", true]);
        assert.match(error.message, /publishing to down: the NATS server cannot be reached now/);
        return true;
      });
      assert.ok(performance.now() - began < 15_000, "it waits for no answer");
      await server.restart();
      await publishUntilTaken(api, "down", 3);
      await eventually(() => seen.includes("m3"));
      assert.deepEqual([...new Set(seen)], ["m1", "m3"]);
    });

    it("delivers everything it has taken, in order per key, over kills of the server", async () => {
      const topic = "kills";
      const { api } = await start(server.url, { ackWaitMs: 1000, publishTimeoutMs: 1000 });
      const ended: Delivery[] = [];
      const options = { backoffMs: 5, maxBackoffMs: 50, maxAttempts: 100 };
      const work = async (delivery: Delivery) => {
        await sleep(2);
        if (delivery.attempt === 1 && delivery.body[0] === 3) throw new Error("as planned");
        ended.push(delivery);
      };
      await api.subscribe(topic, "g", work, options);
      const count = 150;
      const publishing = (async () => {
        for (let i = 0; i < count; i++) await publishUntilTaken(api, topic, i);
      })();
      for (const atLeast of [20, 60, 100]) {
        await eventually(() => new Set(ended.map(({ id }) => id)).size >= atLeast, 60_000);
        await server.kill();
        await server.restart();
      }
      await publishing;
      await eventually(() => new Set(ended.map(({ id }) => id)).size === count, 60_000);
      assertOrder(ended, count);
    });

    it("stops in good time while the server is down, and finishes its handlers", async () => {
      const { api, stop } = await start(server.url);
      let finished = false;
      let begun = false;
      await api.subscribe("stops", "g", async () => {
        begun = true;
        await sleep(100);
        finished = true;
      });
      await api.publish("stops", message(1));
      await eventually(() => begun);
      await server.kill();
      await stop?.();
      assert.ok(finished);
      await assert.rejects(api.publish("stops", message(2)), { code: "UNAVAILABLE", message: /is stopped/ });
      await server.restart();
    });

    it("waits at its start for a server that comes up", async () => {
      await server.kill();
      const starting = start(server.url, { startTimeoutMs: 60_000 });
      await sleep(150);
      await server.restart();
      const { api } = await starting;
      await api.publish("late", message(1));
    });

    it("waits with a subscription for a server that is away", async () => {
      const log = keptLog();
      const { api } = await start(server.url, { startTimeoutMs: 120_000 }, log);
      await server.kill();
      await eventually(() => log.lines.some(({ level }) => level === "warn"));
      const seen: string[] = [];
      const subscribing = api.subscribe("away", "g", async ({ id }) => void seen.push(id));
      await server.restart();
      await subscribing;
      await publishUntilTaken(api, "away", 1);
      await eventually(() => seen.includes("m1"));
    });

    it("makes streams and groups again that the server has lost", async () => {
      const { api } = await start(server.url, { storage: "memory", publishTimeoutMs: 1000 });
      const seen: string[] = [];
      await api.subscribe("lost", "g", async ({ id }) => void seen.push(id));
      await server.shutdown();
      await server.restart();
      let i = 0;
      await eventually(async () => {
        await api.publish("lost", message(i++));
        return seen.length > 0;
      }, 60_000);
    });

    describe("with several processes in a group", () => {
      const members: ChildProcess[] = [];
      after(() => {
        for (const member of members) member.kill("SIGKILL");
      });

      it("shares the work, and gives what a killed one had to another, in order per key", async () => {
        const topic = "shared";
        const seen: Told[] = [];
        const join = () => startMember(server.url, topic, seen, members);
        const ended = () => seen.filter(({ what }) => what === "end");
        const endedBy = (member: ChildProcess) => ended().filter(({ by }) => by === member.pid).length;
        const [first, second] = await Promise.all([join(), join()]);
        const { api } = await start(server.url);
        let published = 0;
        const publishWhile = async (condition: () => boolean) => {
          while (condition()) {
            await api.publish(topic, message(published++));
            await eventually(() => published - ended().length < 100, 60_000);
          }
        };
        await publishWhile(() => endedBy(first) < 40 || endedBy(second) < 40);
        first.kill("SIGKILL");
        let third: ChildProcess | undefined;
        const joining = join().then((member) => {
          third = member;
        });
        await publishWhile(() => !third || endedBy(third) < 40);
        second.kill("SIGKILL");
        const before = published;
        await publishWhile(() => published < before + 100);
        await joining;
        await eventually(() => new Set(ended().map(({ id }) => id)).size === published, 60_000);
        const inTime = [...seen].sort((a, b) => a.at - b.at);
        assertOrder(
          inTime.filter(({ what }) => what === "end"),
          published,
        );
        assertNoOverlap(inTime);
      });
    });
  },
);

/** A line of a member. */
interface Told {
  readonly what: "ready" | "begin" | "end";
  readonly id: string;
  readonly key: string;
  /** Milliseconds of a clock all processes share. */
  readonly at: number;
  readonly by: number | undefined;
}

async function startMember(url: string, topic: string, seen: Told[], members: ChildProcess[]): Promise<ChildProcess> {
  const file = join(import.meta.dirname, "member.fixture.ts");
  const runtime = "Deno" in globalThis ? ["run", "-A", "--no-check", "--conditions=source"] : ["--conditions=source"];
  const member = spawn(process.execPath, [...runtime, file, url, topic, "g"], { stdio: ["ignore", "pipe", "inherit"] });
  members.push(member);
  let ready = false;
  createInterface({ input: member.stdout }).on("line", (line) => {
    const told = { ...(JSON.parse(line) as Omit<Told, "by">), by: member.pid };
    if (told.what === "ready") ready = true;
    else seen.push(told);
  });
  await eventually(() => ready, 60_000);
  return member;
}

/** No message of a key begins before the one before it has ended somewhere, save one whose process was killed. */
function assertNoOverlap(inTime: readonly Told[]): void {
  for (const key of keys) {
    const ended = new Set<string>();
    let open: string | undefined;
    for (const { what, id } of inTime.filter((one) => one.key === key)) {
      if (what === "end") {
        ended.add(id);
        open = undefined;
      } else {
        assert.ok(open === undefined || open === id || ended.has(open), `${id} began while ${open} was under way`);
        open = id;
      }
    }
  }
}
