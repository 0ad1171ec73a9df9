import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext } from "../call/call-context.ts";
import { metadata } from "../call/metadata.ts";
import { receivedContext } from "../call/server-context.ts";
import { StatusError } from "../call/status.ts";
import type { Method } from "../contract/types.ts";
import { Echo } from "../testing/echo-contract.ts";
import { keptLog } from "../testing/logs.ts";
import { virtualPorts } from "../testing/virtual-ports.ts";
import { type AnyHandler, handling } from "./handler.ts";

const { bytes, count, sleep } = Echo.methods;

function run(method: Method, handler: AnyHandler, given = callContext()) {
  const log = keptLog();
  const invoke = handling(method, handler, { log, ids: virtualPorts().ids });
  const context = receivedContext(given);
  return { log, context, reply: invoke({ method, request: {}, context }) };
}

async function read(stream: unknown): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const one of stream as AsyncIterable<unknown>) seen.push(one);
  return seen;
}

describe("a handler", () => {
  it("may answer at once or later, and with nothing where nothing is asked for", async () => {
    assert.deepEqual((await run(bytes, () => ({ data: 1 })).reply).response, { data: 1 });
    assert.deepEqual((await run(bytes, async () => ({ data: 2 })).reply).response, { data: 2 });
    assert.deepEqual((await run(sleep, () => undefined).reply).response, {});
    assert.deepEqual((await run(sleep, async () => {}).reply).response, {});
  });

  it("adds headers and trailers, trailers also when it fails", async () => {
    const { headers, trailers } = await run(bytes, (_, call) => {
      call.setHeader("a", "1");
      call.setTrailer("b", "2");
      return {};
    }).reply;
    assert.deepEqual([headers.get("a"), trailers().get("b")], ["1", "2"]);
    const failing = run(bytes, async (_, call) => {
      call.setTrailer("b", "3");
      throw new StatusError("ABORTED", "no", { trailers: metadata({ nested: "x" }), neverSent: true });
    }).reply;
    await assert.rejects(failing, (error: StatusError) => {
      assert.deepEqual([error.code, error.neverSent, error.trailers.names()], ["ABORTED", false, ["b"]]);
      return true;
    });
  });

  it("that throws at once or later is a bug with an id", async () => {
    for (const handler of [
      () => {
        throw new TypeError("secret");
      },
      async () => {
        throw new TypeError("secret");
      },
    ]) {
      const { log, reply } = run(bytes, handler);
      await assert.rejects(reply, { code: "INTERNAL", message: /^internal error [0-9a-f]{16}$/ });
      assert.match(String(log.lines[0]?.fields.error), /secret/);
    }
  });

  it("is forgotten with all it listens to once it has answered", async () => {
    const given = callContext();
    let heard = 0;
    await run(
      bytes,
      (_, call) => {
        call.onCancel(() => heard++);
        return {};
      },
      given,
    ).reply;
    given.cancel(new StatusError("CANCELLED", "late"));
    assert.equal(heard, 0);
  });
});

describe("the handler of a stream", () => {
  it("replies with its first message, and headers set before that are in the reply", async () => {
    const { reply } = run(count, async function* (_, call) {
      call.setHeader("before", "1");
      yield 1;
      call.setHeader("after", "1");
      call.setTrailer("end", "1");
      yield 2;
    });
    const { response, headers, trailers } = await reply;
    assert.deepEqual(headers.names(), ["before"]);
    assert.deepEqual(await read(response), [1, 2]);
    assert.equal(trailers().get("end"), "1");
  });

  it("that fails before its first message has failed as a whole, later as a stream", async () => {
    const early = run(count, async function* (request) {
      if (request) throw new StatusError("NOT_FOUND", "nothing there");
      yield 1;
    });
    await assert.rejects(early.reply, { code: "NOT_FOUND" });
    const late = await run(count, async function* () {
      yield 1;
      throw new Error("secret");
    }).reply;
    await assert.rejects(read(late.response), { code: "INTERNAL", message: /^internal error/ });
  });

  it("may be empty", async () => {
    assert.deepEqual(await read((await run(count, async function* () {}).reply).response), []);
  });

  it("must give a stream", async () => {
    const { log, reply } = run(count, () => [1, 2]);
    await assert.rejects(reply, { code: "INTERNAL" });
    assert.match(String(log.lines[0]?.fields.error), /must return an AsyncIterable/);
  });

  it("hears that its reader has left, and so does what it calls", async () => {
    const heard: string[] = [];
    const { reply } = run(count, async function* (_, call) {
      call.onCancel(({ code }) => heard.push(code));
      call.with({}).onCancel(({ code }) => heard.push(`nested ${code}`));
      for (;;) yield 1;
    });
    for await (const _ of (await reply).response as AsyncIterable<unknown>) break;
    assert.deepEqual(heard, ["CANCELLED", "nested CANCELLED"]);
  });
});
