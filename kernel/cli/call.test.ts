import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { helloService, type Started, type TestFolder, testFolder } from "./command.fixture.ts";

const yaml = `app: hello
use: { protocol: grpc, registry: file }
options: { registry/file: { dir: registry } }
services: [hello, clock]
`;

/** Tells how long a call may still take. */
const clockService = `
import { defineService } from "@mortise/kernel";
import { double, message, rpc, service } from "@mortise/kernel/contract";
const Nothing = message("clock.v1.Nothing", {});
const Left = message("clock.v1.Left", { ms: double(1) });
export const Clock = service("clock.v1.Clock", { left: rpc(Nothing, Left) });
export const clock = defineService(Clock, {
  name: "clock",
  description: "Tells the time",
  setup: ({ ports }) => ({ handlers: { left: async (_, call) => ({ ms: call.deadline - ports.clock.now() }) } }),
});
`;

let folder: TestFolder;
let app: Started;
let address: string;

before(async () => {
  folder = await testFolder({ "hello/hello.ts": helloService, "clock/clock.ts": clockService, "app.yaml": yaml });
  app = await folder.start(["app.yaml"]);
  address = (app.up.endpoints as readonly { readonly address: string }[])[0]?.address ?? "";
});
after(async () => {
  await app.stop();
  await folder[Symbol.asyncDispose]();
});

const call = (method: string, ...rest: string[]) =>
  folder.run(["call", `hello.v1.Hello/${method}`, ...rest, "--address", address]);

describe("call, to an address by reflection", () => {
  it("prints one answer indented", async () => {
    const { code, out, err } = await call("greet", '{"name":"Ann"}');
    assert.deepEqual([code, out, err], [0, '{\n  "text": "Hello Ann",\n  "number": 1\n}\n', ""]);
  });

  it("takes the name of a method on the wire, no request as an empty one, and headers", async () => {
    const { out } = await call("Greet", "--metadata", "X-Name=Bob");
    assert.equal(JSON.parse(out).text, "Hello Bob");
  });

  it("prints the messages of a stream one a line", async () => {
    assert.equal(
      (await call("count", '{"name":"a"}')).out,
      [1, 2, 3].map((n) => `{"text":"a","number":${n}}\n`).join(""),
    );
  });

  it("sends a stream from the argument, and from standard input", async () => {
    assert.equal(JSON.parse((await call("gather", '{"name":"a"}\n{"name":"b"}')).out).text, "ab");
    assert.equal(JSON.parse((await call("gather", '[{"name":"a"},{"name":"b"}]')).out).number, 2);
    const args = ["call", "hello.v1.Hello/chat", "--address", address];
    const { out } = await folder.run(args, { input: '{"name":"x"}\n\n{"name":"y"}\n' });
    assert.equal(out, '{"text":"x","number":1}\n{"text":"y","number":2}\n');
  });

  it("shows the status of a call that failed, with its reason and details", async () => {
    const { code, out, err } = await call("greet", '{"name":"nobody"}');
    assert.deepEqual([code, out, err], [4, "", "NOT_FOUND: nobody is here (NOBODY)\n  name: nobody\n"]);
  });

  it("shows that a deadline has passed", async () => {
    const { code, err } = await call("greet", '{"name":"Ann"}', "--timeout", "0.001");
    assert.equal(code, 4, err);
    assert.match(err, /^DEADLINE_EXCEEDED: /);
  });

  it("gives a call the time it is given, or ten seconds", async () => {
    const left = async (...given: string[]) => {
      const { out, err } = await folder.run(["call", "clock.v1.Clock/left", ...given, "--address", address]);
      assert.equal(err, "");
      return JSON.parse(out).ms as number;
    };
    const long = await left("--timeout", "6000000");
    assert.ok(long > 5_000_000 && long <= 6_000_000, `${long} ms`);
    const usual = await left();
    assert.ok(usual <= 10_000, `${usual} ms`);
  });

  it("shows that nobody answers", async () => {
    const { code, err } = await folder.run(["call", "hello.v1.Hello/greet", "--address", "127.0.0.1:1"]);
    assert.equal(code, 4);
    assert.match(err, /^UNAVAILABLE: 127\.0\.0\.1:1 cannot be reached/);
    assert.equal(err.trimEnd().split("\n").length, 1);
  });

  const wrong: readonly (readonly [what: string, args: readonly string[], code: number, says: RegExp])[] = [
    ["an unknown method", ["hello.v1.Hello/gret"], 1, /has no method "gret"\. Did you mean greet\?/],
    [
      "an unknown service",
      ["hello.v1.Helo/greet"],
      1,
      /does not serve a service "hello\.v1\.Helo"\. Did you mean hello\.v1\.Hello\?/,
    ],
    ["a misspelt field", ["hello.v1.Hello/greet", '{"nam":1}'], 2, /field nam: .*Did you mean name\?/],
    ["a value of the wrong type", ["hello.v1.Hello/greet", '{"name":1}'], 2, /field name: expected .*text.*got 1/],
    ["no JSON", ["hello.v1.Hello/greet", "{name"], 2, /the request is not JSON/],
    ["two requests for one", ["hello.v1.Hello/greet", "[{},{}]"], 2, /takes exactly one request, not 2/],
    ["no method at all", ["hello"], 2, /"hello" is no method; write service\/method/],
    ["a malformed header", ["hello.v1.Hello/greet", "--metadata", "x"], 2, /--metadata takes name=value/],
    ["an impossible header", ["hello.v1.Hello/greet", "--metadata", "ä=x"], 2, /metadata name "ä"/],
    [
      "a malformed time",
      ["hello.v1.Hello/greet", "--timeout", "soon"],
      2,
      /--timeout takes milliseconds above 0, not "soon"/,
    ],
  ];
  for (const [what, args, code, says] of wrong) {
    it(`says in one line what is wrong: ${what}`, async () => {
      const ran = await folder.run(["call", ...args, "--address", address]);
      assert.equal(ran.code, code, ran.err);
      assert.match(ran.err, says);
      assert.match(ran.err, /^error: [^\n]+\n$/);
    });
  }

  it("says which line of the input is wrong", async () => {
    const args = ["call", "hello.v1.Hello/chat", "-", "--address", address];
    const { code, err } = await folder.run(args, { input: '{"name":"x"}\n{"name":\n' });
    assert.equal(code, 2, err);
    assert.match(err, /^error: line 2 of the input is not JSON/);
  });
});

describe("call, otherwise", () => {
  it("goes where the registry of the app says, with the contract the app knows", async () => {
    const { out, err } = await folder.run(["call", "hello.v1.Hello/greet", '{"name":"Ann"}', "--app", "app.yaml"]);
    assert.equal(JSON.parse(out || "{}").text, "Hello Ann", err);
  });

  it("asks a service the app does not know by reflection, where the registry knows it", async () => {
    await folder.put("client.yaml", yaml.replace("services: [hello]\n", ""));
    const { out, err } = await folder.run(["call", "hello.v1.Hello/greet", '{"name":"Ann"}', "--app", "client.yaml"]);
    assert.equal(JSON.parse(out || "{}").text, "Hello Ann", err);
    const unknown = await folder.run(["call", "hello.v1.Helo/greet", "--app", "client.yaml"]);
    assert.match(
      unknown.err,
      /^error: the registry knows no grpc instance of a service "hello\.v1\.Helo"\. Did you mean hello\.v1\.Hello\?/,
    );
  });

  it("takes the contract from a module", async () => {
    const { out, err } = await call("greet", '{"name":"Ann"}', "--contract", "hello/hello.ts");
    assert.equal(JSON.parse(out || "{}").text, "Hello Ann", err);
    const missing = await call("greet", "--contract", "hello/hallo.ts");
    assert.equal(missing.code, 1);
    assert.match(missing.err, /^error: hello\/hallo\.ts: /);
  });

  it("wants to know where", async () => {
    const { code, err } = await folder.run(["call", "hello.v1.Hello/greet"]);
    assert.equal(code, 2);
    assert.match(err, /^error: say where to call: --address host:port, or --app/);
    const nonsense = await folder.run(["call", "hello.v1.Hello/greet", "--address", "nonsense"]);
    const says = 'error: --address takes host:port, for example 127.0.0.1:50051, not "nonsense"\n';
    assert.deepEqual([nonsense.code, nonsense.err], [2, says]);
  });
});
