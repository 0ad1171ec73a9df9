import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { background, defineService, StatusError, server } from "@mortise/kernel";
import { int32, message, rpc, service, stream, string } from "@mortise/kernel/contract";
import { genericCalls, genericClient } from "@mortise/kernel/generic";
import { type TestApp, testApp } from "@mortise/kernel/testing";
import { grpc } from "@mortise/plugins/protocol/grpc/grpc";
import { file } from "@mortise/plugins/registry/file/file";

const Name = message("generic.v1.Name", { name: string(1), times: int32(2) });
const Greeting = message("generic.v1.Greeting", { text: string(1) });
const Greeter = service("generic.v1.Greeter", {
  greet: rpc(Name, Greeting, { readOnly: true }),
  count: rpc(Name, stream(Greeting)),
  gather: rpc(stream(Name), Greeting),
  chat: rpc(stream(Name), stream(Greeting)),
});

const greeter = defineService(Greeter, {
  description: "Greets",
  setup: () => ({
    handlers: {
      greet: ({ name }, call) => {
        if (name === "nobody") throw new StatusError("NOT_FOUND", "nobody is here", { reason: "NOBODY" });
        return { text: `Hello ${name || call.incoming.get("x-name")}` };
      },
      async *count({ name, times }) {
        for (let i = 1; i <= times; i++) yield { text: `${name} ${i}` };
      },
      async gather(names) {
        let text = "";
        for await (const { name } of names) text += name;
        return { text };
      },
      async *chat(names) {
        for await (const { name } of names) yield { text: name };
      },
    },
  }),
});

let dir: string;
let app: TestApp;
let address: string;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), "mortise-generic-"));
  const options = { "registry/file": { dir: join(dir, "registry"), pollMs: 50 } };
  app = await testApp({ plugins: [grpc, file, greeter], use: { protocol: "grpc", registry: "file" }, options });
  address = app.kernel.get(server).endpoints[0]?.address ?? "";
});
after(async () => {
  await app.stop();
  await rm(dir, { recursive: true, force: true });
});

async function all(answers: AsyncIterable<unknown>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const answer of answers) found.push(answer);
  return found;
}

describe("a program that only calls", () => {
  it("goes on while it waits for a call, and ends when it waits for nothing", async () => {
    const program = join(import.meta.dirname, "generic-alone.fixture.ts");
    const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=source", program, "127.0.0.1:9"]);
    const [asked, text, watched, end] = stdout.split("\n");
    for (const line of [asked, text, watched])
      assert.match(line ?? "", /^StatusError: 127\.0\.0\.1:9 cannot be reached/);
    assert.equal(end, "over");
  });
});

describe("a generic client", () => {
  it("calls methods of all kinds from JSON, by what the server tells of itself", async () => {
    await using client = await genericClient({ address });
    assert.deepEqual(await client.call("generic.v1.Greeter/greet", { name: "Ann" }), { text: "Hello Ann" });
    assert.deepEqual(await client.call("generic.v1.Greeter/Greet"), { text: "Hello undefined" });
    const texts = (...names: string[]) => names.map((text) => ({ text }));
    assert.deepEqual(
      await all(client.stream("generic.v1.Greeter/count", { name: "a", times: 2 })),
      texts("a 1", "a 2"),
    );
    assert.deepEqual(await client.call("generic.v1.Greeter/gather", [{ name: "a" }, { name: "b" }]), { text: "ab" });
    async function* names() {
      yield* [{ name: "x" }, { name: "y" }];
    }
    assert.deepEqual(await all(client.stream("generic.v1.Greeter/chat", names())), texts("x", "y"));
    assert.ok((await client.services()).includes("generic.v1.Greeter"));
    assert.equal((await client.contract("generic.v1.Greeter")).methods.greet?.kind, "unary");
  });

  it("sends what the context says, and passes the status of the call on", async () => {
    await using client = await genericClient({ address });
    const context = background.with({ metadata: { "x-name": "Bob" } });
    assert.deepEqual(await client.call("generic.v1.Greeter/greet", {}, context), { text: "Hello Bob" });
    const nobody = client.call("generic.v1.Greeter/greet", { name: "nobody" });
    await assert.rejects(nobody, { code: "NOT_FOUND", message: "nobody is here", reason: "NOBODY" });
    const late = client.call("generic.v1.Greeter/greet", {}, background.with({ timeoutMs: 0 }));
    await assert.rejects(late, { code: "DEADLINE_EXCEEDED" });
  });

  it("takes and gives text", async () => {
    await using client = await genericClient({ address });
    assert.equal(await client.callText("generic.v1.Greeter/greet", '{"name":"Ann"}'), '{"text":"Hello Ann"}');
    assert.equal(
      await client.callText("generic.v1.Greeter/chat", '{"name":"a"}\n{"name":"b"}'),
      '[{"text":"a"},{"text":"b"}]',
    );
  });

  it("says clearly what is wrong with a request, and sends nothing", async () => {
    await using client = await genericClient({ address });
    const wrong: readonly (readonly [() => Promise<unknown>, string, RegExp])[] = [
      [() => client.callText("generic.v1.Greeter/greet", "{name"), "INVALID_JSON", /^the request is not JSON: /],
      [() => client.call("generic.v1.Greeter/greet", { nam: 1 }), "REQUEST_MISFIT", /field nam: .*Did you mean name\?/],
      [
        () => client.call("generic.v1.Greeter/greet", { name: 1 }),
        "REQUEST_MISFIT",
        /field name: expected .*text.*got 1/,
      ],
      [() => client.call("generic.v1.Greeter/greet", null), "REQUEST_MISFIT", /does not fit its contract/],
      [() => client.call("generic.v1.Greeter/greet", [{}, {}]), "REQUEST_COUNT", /takes exactly one request, not 2/],
      [() => client.call("generic.v1.Greeter/count", {}), "REQUEST_COUNT", /gives a stream of answers; use stream/],
      [() => all(client.stream("generic.v1.Greeter/greet")), "REQUEST_COUNT", /gives one answer; use call/],
      [() => client.call("generic.v1.Greeter/gret"), "UNKNOWN_METHOD", /has no method "gret"\. Did you mean greet\?/],
      [() => client.call("generic.v1.Greter/greet"), "UNKNOWN_SERVICE", /Did you mean generic\.v1\.Greeter\?/],
      [() => client.call("greet"), "NO_METHOD_NAME", /"greet" is no method; write service\/method/],
    ];
    for (const [call, reason, message] of wrong) await assert.rejects(call(), { reason, message, neverSent: true });
  });

  it("calls wherever the registry of an app says", async () => {
    const yaml = `app: caller\nuse: { protocol: grpc, registry: file }\noptions: { registry/file: { dir: ${join(dir, "registry")} } }\n`;
    await writeFile(join(dir, "app.yaml"), yaml);
    await using client = await genericClient({ app: join(dir, "app.yaml") });
    assert.deepEqual(await client.call("generic.v1.Greeter/greet", { name: "Ann" }), { text: "Hello Ann" });
    assert.ok((await client.services()).includes("generic.v1.Greeter"));
    await assert.rejects(client.call("generic.v1.Nobody/greet"), { reason: "UNKNOWN_SERVICE" });
    await writeFile(join(dir, "bad.yaml"), "app: caller\nuse: { registry: memory, protocol: grcp }\n");
    await assert.rejects(genericClient({ app: join(dir, "bad.yaml") }), {
      code: "FAILED_PRECONDITION",
      message: /Did you mean grpc/,
    });
    await writeFile(join(dir, "own.yaml"), "app: caller\nuse: { registry: memory, protocol: grpc }\n");
    await assert.rejects(genericClient({ app: join(dir, "own.yaml") }), /only its own process can read/);
  });

  it("calls over the clients of a running app, with contracts it is given", async () => {
    const client = genericCalls(app.clients, { contracts: [Greeter] });
    assert.deepEqual(await client.call("generic.v1.Greeter/greet", { name: "Ann" }), { text: "Hello Ann" });
    assert.deepEqual(await client.services(), ["generic.v1.Greeter"]);
    await assert.rejects(client.call("other.v1.Other/x"), { reason: "UNKNOWN_SERVICE" });
  });

  it("says that nobody answers", async () => {
    await using client = await genericClient({ address: "127.0.0.1:1" });
    await assert.rejects(client.call("generic.v1.Greeter/greet"), { code: "UNAVAILABLE" });
  });
});
