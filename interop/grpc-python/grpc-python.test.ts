import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Client, callContext, type Metadata, noMetadata, server } from "@mortise/kernel";
import { protoFiles, writeProtoFiles } from "@mortise/kernel/contract";
import { all } from "@mortise/kernel/spi/protocol-laws/world";
import { emptyNote, fullNote, sameMessage } from "@mortise/kernel/spi/serializer.conformance";
import { Echo, echoEvents, echoService, eventually, type TestApp, testApp } from "@mortise/kernel/testing";
import { deadline } from "@mortise/plugins/filter/deadline/deadline";
import { grpc } from "@mortise/plugins/protocol/grpc/grpc";
import { file } from "@mortise/plugins/registry/file/file";
import { protobuf } from "@mortise/plugins/serializer/protobuf/protobuf";
import { findPython, runScript, startScript } from "./python.ts";

const found = await findPython();
const skip = found.missing ?? false;
const python = "python" in found ? found.python : "";

const codes = [
  "CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED",
].flatMap((line) => line.split(" "));

const plugins = [grpc, protobuf, deadline];
const use = { protocol: "grpc", filter: ["deadline"] };

describe("a Python client that learns by reflection what a Mortise app offers", { skip }, () => {
  const events = echoEvents();
  let app: TestApp;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the script prints
  let seen: Record<string, any>;

  before(async () => {
    app = await testApp({ plugins: [...plugins, echoService(events)], use });
    const [endpoint] = app.kernel.get(server).endpoints;
    seen = (await runScript(python, "client.py", endpoint?.address ?? "")) as typeof seen;
  });
  after(() => app?.stop());

  it("finds the services", () => {
    const own = [
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
    ];
    assert.deepEqual(seen.services, [...own, Echo.name]);
  });

  it("makes calls of all four kinds", () => {
    assert.equal(seen.unary, true);
    assert.deepEqual(
      seen.server_stream,
      Array.from({ length: 300 }, (_, i) => i + 1),
    );
    assert.deepEqual(seen.client_stream, { total: "5050", count: 100 });
    assert.deepEqual(
      seen.both_stream,
      Array.from({ length: 50 }, (_, i) => `${i}`),
    );
  });

  it("sends and receives metadata", () => {
    const names = (prefix: string) => [
      [`${prefix}x-data-bin`, "00ff"],
      [`${prefix}x-many`, "a, b"],
      [`${prefix}x-one`, "1"],
    ];
    assert.deepEqual(seen.metadata, { headers: names(""), trailers: names("trailing-") });
  });

  it("hands over its trace, its baggage and what is left of its deadline", () => {
    const { trace, baggage, remaining } = seen.context;
    assert.deepEqual([trace, baggage], ["4bf92f3577b34da6a3ce929d0e0e4736", { user: "1" }]);
    assert.ok(remaining > 20_000 && remaining <= 31_000, `${remaining} ms`);
  });

  it("gets DEADLINE_EXCEEDED in time, whatever the handler does", () => {
    assert.equal(seen.deadline.code, "DEADLINE_EXCEEDED");
  });

  it("cancels calls, and the handlers hear of it: no stream that was given up passes for one that has ended", async () => {
    assert.deepEqual(
      [seen.cancel, seen.cancel_request_stream, seen.leave_stream],
      ["cancelled", "cancelled", [1, 2, 3]],
    );
    // The call with a deadline is the fourth: its caller gives up at the same moment, and its word may be there first.
    const heard = (wanted: string) => events.cancelled.filter(({ code }) => code === wanted).length;
    await eventually(() => heard("CANCELLED") + heard("DEADLINE_EXCEEDED") === 4);
    assert.ok(heard("CANCELLED") >= 3, `${heard("CANCELLED")} of 3 calls`);
  });

  it("gets every code with its message", () => {
    assert.deepEqual(
      seen.codes,
      codes.map((code, i) => ({ code, details: `it is ${i + 1}: ä % \n` })),
    );
  });

  it("reads reason and details as google.rpc.ErrorInfo, and whether to try again as RetryInfo", () => {
    const info = [{ reason: "BUSY", domain: Echo.name, metadata: { queue: "ä" } }];
    assert.deepEqual(seen.details, { code: 10, message: "busy", info, retry: true });
  });

  it("gets the messages of a stream and then its error", () => {
    assert.deepEqual(seen.error_after_messages, {
      seen: [1, 2, 3],
      code: "FAILED_PRECONDITION",
      details: "no more than 3",
    });
  });

  it("learns nothing of a handler's mistake but an id", () => {
    assert.equal(seen.bug.code, "INTERNAL");
    assert.match(seen.bug.details, /^internal error [0-9a-f]{16}$/);
  });

  it("is refused with the right code: unknown method, malformed bytes, a message that is too long", () => {
    assert.equal(seen.unknown_method.code, "UNIMPLEMENTED");
    assert.equal(seen.malformed.code, "INVALID_ARGUMENT");
    assert.equal(seen.too_long.code, "RESOURCE_EXHAUSTED");
    assert.match(seen.too_long.details, /8388608/);
  });

  it("sends and receives 4 MiB, compresses, and calls from many threads at once", () => {
    const size = 4 * 1024 * 1024;
    assert.deepEqual([seen.long_bodies, seen.compressed, seen.many_at_once], [[size, size], 100_000, true]);
  });

  it("asks for health", () => {
    assert.deepEqual(seen.health, [{ status: "SERVING" }, "NOT_FOUND"]);
  });
});

async function* each<T>(...items: readonly T[]) {
  yield* items;
}

describe("a Python server that was made from the emitted .proto file, called by a Mortise app", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "mortise-python-"));
  let app: TestApp;
  let echo: Client<typeof Echo>;
  let serving: Awaited<ReturnType<typeof startScript>>;
  const counted = (number: number) => ({ number, padding: new Uint8Array() });

  before(async () => {
    await writeProtoFiles(join(folder, "proto"), protoFiles([Echo]));
    serving = await startScript(python, "server.py", join(folder, "proto"), "0");
    const instance = { service: Echo.name, address: `127.0.0.1:${serving.line}`, protocol: "grpc" };
    writeFileSync(join(folder, "python.json"), JSON.stringify({ instances: [instance] }));
    const options = { "registry/file": { dir: folder, pollMs: 50 } };
    app = await testApp({ plugins: [...plugins, file], use: { ...use, registry: "file" }, options });
    echo = app.clients.client(Echo);
  });
  after(async () => {
    await app?.stop();
    serving?.child.kill();
    rmSync(folder, { recursive: true });
  });

  it("answers calls of all four kinds", async () => {
    sameMessage(await echo.echo(fullNote), fullNote);
    const numbers = await all(echo.count({ count: 300, failAfter: 0, padding: 10 }));
    assert.equal(numbers.length, 300);
    assert.deepEqual(await echo.sum(each(counted(1), counted(2))), { total: 3n, count: 2 });
    const texts = (await all(echo.chat(each(emptyNote, fullNote)))).map(({ text }) => text);
    assert.deepEqual(texts, ["", fullNote.text]);
  });

  it("is told trace and deadline, and is not waited for beyond it", async () => {
    const trace = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", sampled: true, state: "" };
    const { traceId, remainingMs } = await echo.whoami({}, callContext({ timeoutMs: 30_000, trace }));
    assert.equal(traceId, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    assert.ok(remainingMs && remainingMs > 20_000 && remainingMs <= 30_000);
    await assert.rejects(echo.sleep({ ms: 2000 }, callContext({ timeoutMs: 100 })), { code: "DEADLINE_EXCEEDED" });
  });

  it("hears of cancellation", async () => {
    const trailers = async () => {
      let received: Metadata = noMetadata;
      await echo.echo(emptyNote, callContext({ onTrailers: (trailers) => (received = trailers) }));
      return Number(received.get("x-cancelled"));
    };
    const before = await trailers();
    // Nobody can see from here when the call has arrived: one that is cancelled on its way is followed by another.
    for (let waitMs = 100; (await trailers()) === before; waitMs *= 2) {
      const caller = new AbortController();
      const sleeping = echo.sleep({ ms: 3000 }, callContext({ signal: caller.signal, timeoutMs: 60_000 }));
      setTimeout(() => caller.abort(), waitMs);
      await assert.rejects(sleeping, { code: "CANCELLED" });
      assert.ok(waitMs < 3000, "it has heard of no cancellation");
      await eventually(async () => (await trailers()) > before, 5000).catch(() => "it was cancelled on its way");
    }
  });

  it("gives its errors: code, message, reason, details, whether to try again", async () => {
    const request = { code: 10, message: "belegt: ä", reason: "BUSY", details: new Map([["queue", "7"]]), bug: false };
    for (const retryable of [true, false]) {
      await assert.rejects(echo.fail({ ...request, retryable }), {
        name: "StatusError",
        code: "ABORTED",
        message: "belegt: ä",
        reason: "BUSY",
        details: { queue: "7" },
        retryable,
      });
    }
    await assert.rejects(all(echo.count({ count: 3, failAfter: 1, padding: 0 })), {
      code: "FAILED_PRECONDITION",
    });
  });

  it("exchanges metadata", async () => {
    const seen: Metadata[] = [];
    const keep = (metadata: Metadata) => void seen.push(metadata);
    const metadata = { "x-one": "1", "x-many": ["a", "b"], "x-data-bin": Uint8Array.of(0, 255) };
    await echo.echo(emptyNote, callContext({ metadata, onHeaders: keep, onTrailers: keep }));
    const [headers, trailers] = seen;
    assert.deepEqual([headers?.get("x-one"), headers?.get("x-many")], ["1", "a, b"]);
    assert.deepEqual([...(headers?.getBytes("x-data-bin") ?? [])], [0, 255]);
    assert.equal(trailers?.get("x-many"), "a, b");
  });

  it("takes and sends 4 MiB", async () => {
    const size = 4 * 1024 * 1024;
    assert.equal((await echo.upload({ data: new Uint8Array(size) })).size, size);
    assert.equal((await echo.bytes({ size })).data.length, size);
  });

  it("is called again when it comes back after a crash", async () => {
    serving.child.kill("SIGKILL");
    await eventually(() =>
      echo.echo(emptyNote).then(
        () => false,
        (error) => error.code === "UNAVAILABLE",
      ),
    );
    serving = await startScript(python, "server.py", join(folder, "proto"), serving.line);
    await eventually(() => echo.echo(emptyNote), 60_000);
  });
});
