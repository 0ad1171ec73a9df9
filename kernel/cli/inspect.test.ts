import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { z } from "zod";
import { helloService, testFolder } from "./command.fixture.ts";
import type { PluginListing } from "./commands/plugins.ts";
import type { MethodExplanation } from "./explain-method.ts";

const mine = `
import { definePlugin, loadBalancer } from "@mortise/kernel";
import { z } from "zod";
export const made = definePlugin({
  spi: loadBalancer, name: "made", description: "Made here",
  options: z.strictObject({ size: z.int().default(3) }),
  policy: { hashOn: z.array(z.string()).default([]) },
  setup: () => ({ api: {} }),
});
`;

const yaml = `app: hello
use: { protocol: grpc }
plugins: { loadbalancer/made: ./made.ts }
options: { loadbalancer/made: { size: 4 } }
services: [hello]
policies:
  "*": { timeoutMs: 500 }
  hello.v1.Hello/greet: { loadbalancer: made, hashOn: [name] }
`;

const files = { "hello/hello.ts": helloService, "made.ts": mine, "app.yaml": yaml };

describe("check", () => {
  it("starts nothing and says that all is well, or what is not", async () => {
    await using folder = await testFolder(files);
    const well = await folder.run(["check", "app.yaml"]);
    assert.deepEqual([well.code, well.out, well.err], [0, "✔ hello: 1 service, no problems\n", ""]);
    const ill = await folder.run(["check", "app.yaml", "--set", "options.loadbalancer/made.size=big"]);
    assert.equal(ill.code, 1);
    assert.match(
      ill.err,
      /^--set options\.loadbalancer\/made\.size {2}.*"size".*\n1 problem, this app cannot be started\.\n$/,
    );
  });

  it("shows what has no effect as a warning", async () => {
    await using folder = await testFolder({ ...files, "app.yaml": yaml.replace("loadbalancer: made, ", "") });
    const { code, err } = await folder.run(["check", "app.yaml"]);
    assert.equal(code, 0);
    assert.match(
      err,
      /^app\.yaml:4:12 .*no effect: loadbalancer\/made is not selected.*\napp\.yaml:8:27 .*hashOn has no effect/,
    );
  });
});

describe("plugins", () => {
  it("lists every plugin as JSON, with the JSON Schema of its options", async () => {
    await using folder = await testFolder(files);
    const { code, out } = await folder.run(["plugins", "app.yaml", "--json"]);
    assert.equal(code, 0);
    const listed = JSON.parse(out) as PluginListing[];
    for (const { id, spi, kind, source, options, error } of listed) {
      assert.ok(id.startsWith(`${spi}/`) && ["one", "named", "chain"].includes(kind ?? ""), id);
      assert.ok(["built-in", "package", "file", "app"].includes(source) && typeof options === "object", id);
      assert.equal(error, undefined);
    }
    const made = listed.find(({ id }) => id === "loadbalancer/made");
    assert.equal(made?.source, "file");
    const { size } = (made?.options?.properties ?? {}) as Readonly<Record<string, { readonly default: unknown }>>;
    assert.deepEqual(size?.default, 3);
    assert.deepEqual(Object.keys(made?.policy ?? {}), ["hashOn"]);
    for (const id of ["protocol/grpc", "registry/memory", "cluster/failover"]) {
      assert.ok(
        listed.some((one) => one.id === id && one.source === "built-in"),
        id,
      );
    }
  });

  it("lists those for people by extension point, and those that cannot be loaded with the reason", async () => {
    await using folder = await testFolder({ ...files, "made.ts": "throw new Error('no luck');" });
    const { code, out } = await folder.run(["plugins", "app.yaml"]);
    assert.equal(code, 1);
    assert.match(out, /^loadbalancer several may serve, chosen by name; the first is the default$/m);
    assert.match(out, /^ {2}random +default +built-in {2}\S/m);
    assert.match(out, /^ {2}made +file +.*no luck/m);
  });
});

describe("schema", () => {
  it("prints a JSON Schema that accepts the app file and knows its own plugins", async () => {
    await using folder = await testFolder(files);
    const { out } = await folder.run(["schema", "app.yaml"]);
    const reader = z.fromJSONSchema(JSON.parse(out));
    const app = { app: "a", options: { "loadbalancer/made": { size: 4 } }, use: { loadbalancer: "made" } };
    assert.ok(reader.safeParse(app).success);
    assert.ok(!reader.safeParse({ ...app, use: { loadbalancer: "maed" } }).success);
    assert.ok(!reader.safeParse({ ...app, options: { "loadbalancer/made": { size: "big" } } }).success);
  });
});

describe("explain", () => {
  it("shows the way of a method, and where every value comes from", async () => {
    await using folder = await testFolder(files);
    const { out } = await folder.run(["explain", "app.yaml", "hello.v1.Hello/greet", "--json"]);
    const { method, limits, stations, handledBy, facts } = JSON.parse(out) as MethodExplanation;
    assert.deepEqual([method, handledBy, facts.readOnly], ["hello.v1.Hello/Greet", ["service/hello"], true]);
    assert.deepEqual(limits[0], {
      name: "timeoutMs",
      value: 500,
      target: "*",
      location: { file: "app.yaml", line: 7, column: 21 },
    });
    assert.deepEqual([limits[1]?.name, limits[1]?.target], ["retries", undefined]);
    const balancer = stations.find(({ spi }) => spi === "loadbalancer");
    assert.deepEqual(balancer?.why, { by: "policy", target: "hello.v1.Hello/greet" });
    assert.deepEqual(balancer?.fields[0]?.value, ["name"]);
    const order = stations.map(({ spi }) => spi);
    assert.deepEqual(
      [...new Set(order)].filter((spi) => spi !== "router" && spi !== "directory"),
      ["filter", "cluster", "registry", "loadbalancer", "protocol", "serializer"],
    );
    const forPeople = (await folder.run(["explain", "app.yaml", "hello.v1.Hello/greet"])).out;
    assert.match(forPeople, /^ {2}timeoutMs {2}500 {2}policy for \* \(app\.yaml:7:21\)$/m);
    assert.match(forPeople, /^loadbalancer {2}made {2}policy for hello\.v1\.Hello\/greet \(app\.yaml:8:41\)$/m);
  });

  it("shows the plugins of the app in the order they start, with options and where those come from", async () => {
    await using folder = await testFolder(files);
    const { out } = await folder.run(["explain", "app.yaml"]);
    assert.match(
      out,
      /^loadbalancer\/made {2}selected \(app\.yaml:8:41\)\n {2}Made here \(file: .*made\.ts\)\n {2}size {2}4 {2}app\.yaml:4:39$/m,
    );
    assert.match(out, /^server\/runtime {2}selected/m);
    assert.match(out, /^ {2}weight +100 +default$/m);
  });

  it("hides secrets, and says what it does not know", async () => {
    const secret = mine.replace(
      "size: z.int().default(3)",
      "size: z.int().default(3), password: z.string().optional()",
    );
    await using folder = await testFolder({ ...files, "made.ts": secret });
    const { out } = await folder.run(["explain", "app.yaml", "--set", "options.loadbalancer/made.password=hush"]);
    assert.ok(out.includes("password") && !out.includes("hush"));
    const unknown = await folder.run(["explain", "app.yaml", "hello.v1.Helo/greet"]);
    assert.equal(unknown.code, 1);
    assert.match(unknown.err, /^error: .*"hello\.v1\.Helo"\. Did you mean hello\.v1\.Hello\?/);
  });
});

const contract = `
import { message, rpc, service, string } from "@mortise/kernel/contract";
const Name = message("hello.v1.Name", { name: string(1) });
export const Hello = service("hello.v1.Hello", { greet: rpc(Name, Name) });
`;

describe("proto", () => {
  it("writes the files of contracts, finds them current, and tells where they drifted", async () => {
    await using folder = await testFolder({ "proto/hello.ts": contract });
    const file = join(folder.path, "proto/hello/v1/hello.proto");
    assert.match((await folder.run(["proto"])).out, /^wrote proto\/hello\/v1\/hello\.proto\n$/);
    assert.match(await readFile(file, "utf8"), /service Hello \{/);
    assert.equal((await folder.run(["proto", "--check"])).code, 0);
    await folder.put("proto/hello.ts", contract.replace("name: string(1)", "name: string(2)"));
    const { code, err } = await folder.run(["proto", "--check"]);
    assert.equal(code, 1);
    assert.match(
      err,
      /^proto\/hello\/v1\/hello\.proto:\d+ {2}the contract says .*name = 2.*name = 1.*\nRun `mortise proto`/,
    );
  });

  it("writes codecs ahead of time, and says what is wrong with a module", async () => {
    await using folder = await testFolder({ "proto/hello.ts": contract });
    assert.equal((await folder.run(["proto", "--aot"])).code, 0);
    assert.match(await readFile(join(folder.path, "proto/contracts.aot.ts"), "utf8"), /registerCodecs/);
    assert.equal((await folder.run(["proto", "--aot", "--check"])).code, 0);
    await folder.put("proto/hello.ts", contract.replace("string(1)", "string(0)"));
    const broken = await folder.run(["proto"]);
    assert.equal(broken.code, 1);
    assert.match(broken.err, /^error: proto\/hello\.ts: message hello\.v1\.Name, field name: number 0/);
    const none = await folder.run(["proto", "--out", "elsewhere"]);
    assert.deepEqual([none.code, none.err.slice(0, 40)], [2, "error: no contract modules in elsewhere;"]);
  });
});
