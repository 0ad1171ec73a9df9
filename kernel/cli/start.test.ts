import assert from "node:assert/strict";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { helloService, type LogEntry, type Started, testFolder } from "./command.fixture.ts";

const yaml = (rest = "") => `app: hello
use: { protocol: grpc, loadbalancer: random }
services: [hello]
${rest}`;

const files = { "hello/hello.ts": helloService, "app.yaml": yaml() };

function addressOf({ up }: Started): string {
  const [endpoint] = up.endpoints as readonly { readonly protocol: string; readonly address: string }[];
  assert.equal(endpoint?.protocol, "grpc");
  return endpoint?.address ?? "";
}

const applied = ({ message }: LogEntry) => message === "the change of the configuration is applied";
const refused = ({ message }: LogEntry) => message.endsWith("the running app is unchanged");

describe("start", () => {
  it("tells what serves where, and stops when it is told to", async () => {
    await using folder = await testFolder(files);
    const app = await folder.start(["app.yaml"]);
    assert.deepEqual(app.up.services, ["hello.v1.Hello"]);
    assert.match(addressOf(app), /^127\.0\.0\.1:\d+$/);
    assert.ok(typeof app.up.ms === "number" && typeof app.up.plugins === "number");
    const { code, out } = await app.stop("SIGTERM");
    assert.deepEqual([code, out], [0, ""]);
    assert.ok(app.log.some(({ message }) => message === "hello has stopped"));
  });

  it("tells people the same in a few lines", async () => {
    await using folder = await testFolder(files);
    const app = folder.starting(["app.yaml", "--log-format", "text"]);
    await app.logged(({ message }) => message === "  · hello.v1.Hello");
    const { out, err } = await app.stop("SIGINT");
    assert.match(
      out,
      /^hello is up in \S+ m?s \(1 service, \d+ plugins\)\n {2}grpc {2}127\.0\.0\.1:\d+\n {2}· hello\.v1\.Hello\n$/,
    );
    assert.match(err, /^[\d:.]+ info {2}hello is stopping signal=SIGINT\n[\d:.]+ info {2}hello has stopped\n$/);
  });

  it("ends at once when it is told to stop a second time", async () => {
    const source = helloService
      .replace('description: "Greets",', 'description: "Greets",\n  // never stops\n')
      .replace(
        "setup: () => ({",
        'setup: ({ log }) => ({\n    stop: () => { log.info("stopping"); return new Promise(() => {}); },',
      );
    await using folder = await testFolder({ ...files, "hello/hello.ts": source });
    const app = await folder.start(["app.yaml"]);
    app.child.kill("SIGTERM");
    await app.logged(({ message }) => message === "stopping");
    const { code, err } = await app.stop("SIGTERM");
    assert.equal(code, 130);
    assert.match(err, /Stopped without waiting\.\n$/);
  });

  it("gives up a start when it is told to stop", async () => {
    const source = helloService
      .replace(
        "setup: () => ({",
        'setup: async ({ log, signal }) => { log.info("starting"); await new Promise((_, no) => signal.addEventListener("abort", () => no(signal.reason))); return ({',
      )
      .replace(/\}\),\n\}\);\n$/, "}) },\n});\n");
    await using folder = await testFolder({ ...files, "hello/hello.ts": source });
    const app = folder.starting(["app.yaml"]);
    await app.logged(({ message }) => message === "starting");
    const { code } = await app.stop("SIGINT");
    assert.equal(code, 0);
  });
});

describe("a change of the app file", () => {
  it("is applied to the running app", async () => {
    await using folder = await testFolder(files);
    const app = await folder.start(["app.yaml"]);
    await folder.put("app.yaml", yaml().replace("random", "round-robin"));
    const change = await app.logged(applied);
    assert.deepEqual(change.started, ["loadbalancer/round-robin"]);
    assert.deepEqual(change.ended, ["loadbalancer/random"]);
    const called = await folder.run(["call", "hello.v1.Hello/greet", '{"name":"Ann"}', "--address", addressOf(app)]);
    assert.equal(JSON.parse(called.out).text, "Hello Ann");
    assert.equal((await app.stop()).code, 0);
  });

  it("changes nothing when it is wrong, and says where; the next right one is applied", async () => {
    await using folder = await testFolder(files);
    const app = await folder.start(["app.yaml"]);
    await folder.put("app.yaml", yaml().replace("random", "randm"));
    await app.logged(refused);
    assert.ok(
      app.log.some(({ message }) => /^app\.yaml:2:38 {2}loadbalancer "randm".*Did you mean random\?/.test(message)),
    );
    await folder.put("app.yaml", yaml('policies: { "*": { timeoutMs: 5 } }'));
    assert.deepEqual((await app.logged(applied)).started, ["policies/config"]);
    await app.stop();
  });

  it("changes nothing when what is new cannot start", async () => {
    const broken = `import { definePlugin, loadBalancer } from "@mortise/kernel";
      export const made = definePlugin({ spi: loadBalancer, name: "made", description: "-", setup: () => { throw new Error("no luck"); } });`;
    await using folder = await testFolder({ ...files, "made.ts": broken });
    const app = await folder.start(["app.yaml"]);
    await folder.put("app.yaml", yaml("plugins: [./made.ts]").replace("random", "made"));
    await app.logged(refused);
    assert.ok(app.log.some(({ message }) => message === "app.yaml:2:38  loadbalancer/made failed to start: no luck"));
    const called = await folder.run([
      "call",
      "hello.v1.Hello/greet",
      "{}",
      "--address",
      addressOf(app),
      "--metadata",
      "x-name=still",
    ]);
    assert.equal(JSON.parse(called.out).text, "Hello still");
    await app.stop();
  });

  it("is seen in the profile too, and when the file is replaced by another", async () => {
    await using folder = await testFolder({ ...files, "app.local.yaml": "use: { loadbalancer: random }" });
    const app = await folder.start(["app.yaml", "--profile", "local"]);
    await folder.put("app.local.yaml~", "use: { loadbalancer: round-robin }");
    await rename(join(folder.path, "app.local.yaml~"), join(folder.path, "app.local.yaml"));
    assert.deepEqual((await app.logged(applied)).started, ["loadbalancer/round-robin"]);
    await app.stop();
  });

  it("is not followed with --no-watch", async () => {
    await using folder = await testFolder(files);
    const app = await folder.start(["app.yaml", "--no-watch"]);
    await folder.put("app.yaml", "app: [");
    const called = await folder.run(["call", "hello.v1.Hello/greet", "{}", "--address", addressOf(app)]);
    assert.equal(called.code, 0);
    await app.stop();
    assert.ok(!app.log.some(refused));
  });
});
