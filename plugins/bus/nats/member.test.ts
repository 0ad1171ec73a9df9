import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Delivery } from "@mortise/kernel";
import { redelivery } from "@mortise/kernel/spi/redelivery";
import { virtualPorts } from "@mortise/kernel/testing";
import type { Msg, NatsConnection } from "nats";
import { joinGroup } from "./member.ts";
import { natsOptions } from "./options.ts";

/** A member whose server is the test, and whose handler works until it is let go. */
function member() {
  const { timers, advance } = virtualPorts();
  const listeners: ((error: null, message: Msg) => void)[] = [];
  const nats = {
    subscribe: (_: string, { callback }: { callback: (error: null, message: Msg) => void }) => {
      listeners.push(callback);
      return { drain: async () => undefined };
    },
    flush: async () => undefined,
  } as unknown as NatsConnection;
  const handled: Delivery[] = [];
  const gate = Promise.withResolvers<void>();
  const answered: string[] = [];
  const joined = joinGroup(nats, natsOptions.parse({}), timers, {
    ...{ topic: "t", group: "g", partitions: 1, redelivery: redelivery() },
    handler: async (delivery) => {
      handled.push(delivery);
      await gate.promise;
    },
    bury: async () => true,
  });
  return {
    joined,
    advance,
    handled,
    answered,
    release: gate.resolve,
    /** The server pushes message `sequence` that was stored at `time`, for the `count`th time. */
    push(sequence: number, count: number, time = 1) {
      const respond = (what: string) => answered.push(`${sequence}/${count}@${time} ${what}`);
      const reply = `$JS.ACK.stream.consumer.${count}.${sequence}.1.${time}.0`;
      listeners[0]?.(null, { data: new Uint8Array(), reply, respond } as unknown as Msg);
    },
  };
}

describe("a member of a group", () => {
  it("handles once what is delivered again while it still has it, and answers the latest delivery", async () => {
    const { push, handled, answered, release, joined } = member();
    push(7, 1);
    push(7, 2);
    push(8, 1);
    release();
    await joined.close();
    assert.deepEqual(
      handled.map(({ id }) => id),
      ["7", "8"],
    );
    assert.deepEqual(answered, ["7/2@1 +ACK", "8/1@1 +ACK"]);
  });

  it("handles what is delivered again after it was answered", async () => {
    const { push, handled, release, joined, advance } = member();
    release();
    push(7, 1);
    await advance(0);
    push(7, 2);
    await joined.close();
    assert.equal(handled.length, 2);
  });

  it("tells messages of the same number apart when the server made the stream again", async () => {
    const { push, handled, answered, release, joined } = member();
    push(7, 1, 1);
    push(7, 1, 2);
    release();
    await joined.close();
    assert.equal(handled.length, 2);
    assert.deepEqual(answered, ["7/1@1 +ACK", "7/1@2 +ACK"]);
  });

  it("says that it is still at it, for the latest delivery", async () => {
    const { push, answered, advance, release, joined } = member();
    push(7, 1);
    push(7, 2);
    await advance(4_000);
    assert.deepEqual(answered, ["7/2@1 +WPI"]);
    release();
    await joined.close();
  });
});
