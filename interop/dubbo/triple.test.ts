import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Client, callContext, type Metadata, noMetadata, server } from "@mortise/kernel";
import { protoFiles } from "@mortise/kernel/contract";
import { freePort } from "@mortise/kernel/processes/free-port";
import { all } from "@mortise/kernel/spi/protocol-laws/world";
import { emptyNote, fullNote, sameMessage } from "@mortise/kernel/spi/serializer.conformance";
import { Echo, echoEvents, echoService, eventually, type TestApp, testApp } from "@mortise/kernel/testing";
import { deadline } from "@mortise/plugins/filter/deadline/deadline";
import { grpc } from "@mortise/plugins/protocol/grpc/grpc";
import { file } from "@mortise/plugins/registry/file/file";
import { protobuf } from "@mortise/plugins/serializer/protobuf/protobuf";
import { buildJava, type Java, startJava } from "./java.ts";

const files = new Map([...protoFiles([Echo])].map(([path, text]) => [join("proto", path), text] as const));
const built = await buildJava(join(import.meta.dirname, "triple"), { files });
const skip = built.missing ?? false;
const home = "home" in built ? built.home : "";

const plugins = [grpc, protobuf, deadline];
const use = { protocol: "grpc", filter: ["deadline"] };
const mebibyte = 1024 * 1024;
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe("a Dubbo consumer that calls a Mortise app over triple", { skip }, () => {
  const events = echoEvents();
  let app: TestApp;
  let java: Java;

  before(async () => {
    const options = { "protocol/grpc": { host: "0.0.0.0" } }; // Dubbo takes 127.0.0.1 for this machine's address
    app = await testApp({ plugins: [...plugins, echoService(events)], use, options });
    const port = app.kernel.get(server).endpoints[0]?.address.split(":").at(-1);
    java = await startJava(home, "com.example.triple.Consumer", `tri://127.0.0.1:${port}/${Echo.name}`);
  });
  after(async () => {
    await java?.stop();
    await app?.stop();
  });

  it("gets back what it sent, whatever is in it", async () => {
    assert.equal(await java.ask("echo"), true);
    assert.equal(await java.ask("empty"), true);
  });

  it("makes calls of all kinds of streams", async () => {
    assert.deepEqual(await java.ask("count 300"), numbers(300));
    assert.deepEqual(await java.ask("sum 100"), ["5050 of 100"]);
    assert.deepEqual(await java.ask("chat 3"), ["0", "1", "2"]);
  });

  it("gets the messages of a stream and then its error", async () => {
    const seen = await java.ask("count-fail");
    assert.deepEqual([seen.slice(0, 3), seen[3].status], [[1, 2, 3], 9]);
    assert.match(seen[3].message, /no more than 3/);
  });

  it("gets every code with its message", async () => {
    for (const code of numbers(16)) {
      const { status, message } = await java.ask(`fail ${code}`);
      assert.equal(status, code);
      assert.ok(message.includes(`it is ${code}: ä`), message);
    }
  });

  it("hands over attachments, its trace and its time limit", async () => {
    const { remaining, trace, metadata } = await java.ask("whoami");
    assert.equal(metadata["x-one"], "1");
    assert.equal(metadata["tri-consumer-appname"], "java-consumer");
    assert.equal(trace, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert.ok(remaining > 1000 && remaining <= 6000, `${remaining} ms`);
  });

  it("gives up in time, and the handler hears of it", async () => {
    const { message } = await java.ask("sleep 60000");
    assert.match(message, /timeout|DEADLINE/i);
    await eventually(() => events.cancelled.length > 0);
  });

  it("sends and receives 1 MiB, and calls from hundreds of threads at once", async () => {
    assert.equal(await java.ask(`upload ${mebibyte}`), mebibyte);
    assert.equal(await java.ask(`bytes ${mebibyte}`), mebibyte);
    assert.equal(await java.ask("many 200"), 2000);
  });
});

async function* each<T>(...items: readonly T[]) {
  yield* items;
}

describe("a Dubbo provider of triple, called by a Mortise app", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "mortise-triple-"));
  let port = 0;
  let app: TestApp;
  let echo: Client<typeof Echo>;
  let java: Java;
  const start = () => startJava(home, "com.example.triple.Provider", `${port}`);

  before(async () => {
    port = await freePort();
    java = await start();
    const instance = { service: Echo.name, address: `127.0.0.1:${port}`, protocol: "grpc" };
    writeFileSync(join(folder, "java.json"), JSON.stringify({ instances: [instance] }));
    const options = { "registry/file": { dir: folder, pollMs: 50 } };
    const policies = { "*": { timeoutMs: 60_000 } }; // the first call finds a Java that is still waking up
    app = await testApp({ plugins: [...plugins, file], use: { ...use, registry: "file" }, options, policies });
    echo = app.clients.client(Echo);
  });
  after(async () => {
    await app?.stop();
    java?.kill();
    rmSync(folder, { recursive: true });
  });

  it("answers calls of all kinds", async () => {
    sameMessage(await echo.echo(fullNote), fullNote);
    const seen = await all(echo.count({ count: 300, failAfter: 0, padding: 0 }));
    assert.deepEqual(
      seen.map(({ number }) => number),
      numbers(300),
    );
    const counted = (number: number) => ({ number, padding: new Uint8Array() });
    assert.deepEqual(await echo.sum(each(counted(1), counted(2))), { total: 3n, count: 2 });
    const texts = (await all(echo.chat(each(emptyNote, fullNote)))).map(({ text }) => text);
    assert.deepEqual(texts, ["", fullNote.text]);
  });

  it("is told the trace and attachments, and attaches some to its answer", async () => {
    const trace = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", sampled: true, state: "" };
    const { traceId } = await echo.whoami({}, callContext({ trace }));
    assert.match(traceId, /^00-4bf92f3577b34da6a3ce929d0e0e4736-/);
    let trailers: Metadata = noMetadata;
    await echo.echo(
      emptyNote,
      callContext({ metadata: { "x-one": "1" }, onTrailers: (received) => (trailers = received) }),
    );
    assert.equal(trailers.get("back-x-one"), "1");
  });

  it("gives its errors: each code with its message, and what is no status as UNKNOWN", async () => {
    const request = { code: 5, message: "not there", reason: "", details: new Map(), bug: false }; // ASCII: see the README
    await assert.rejects(echo.fail(request), { code: "NOT_FOUND", message: /not there/ });
    await assert.rejects(echo.fail({ ...request, bug: true }), { name: "StatusError" });
    await assert.rejects(all(echo.count({ count: 3, failAfter: 1, padding: 0 })), {
      code: "FAILED_PRECONDITION",
      message: /no more/,
    });
  });

  it("is not waited for beyond the deadline", async () => {
    await assert.rejects(echo.sleep({ ms: 3000 }, callContext({ timeoutMs: 100 })), { code: "DEADLINE_EXCEEDED" });
  });

  it("takes and sends 1 MiB, and hundreds of calls at once", async () => {
    assert.equal((await echo.upload({ data: new Uint8Array(mebibyte) })).size, mebibyte);
    assert.equal((await echo.bytes({ size: mebibyte })).data.length, mebibyte);
    const caller = async (worker: number) => {
      for (const turn of numbers(10)) {
        const text = `${worker} ${turn}`;
        assert.equal((await echo.echo({ ...emptyNote, text })).text, text);
      }
    };
    await Promise.all(numbers(150).map(caller)); // more at once are too many for Dubbo: see the README
  });

  it("is called again when it comes back after a crash", async () => {
    java.kill();
    await eventually(() =>
      echo.echo(emptyNote).then(
        () => false,
        (error) => error.code === "UNAVAILABLE",
      ),
    );
    java = await start();
    await eventually(() => echo.echo(emptyNote), 60_000);
  });
});
