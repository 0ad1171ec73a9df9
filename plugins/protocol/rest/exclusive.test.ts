import assert from "node:assert/strict";
import { createServer } from "node:net";
import { it } from "node:test";
import { defineService, type Exposure, serializer, systemPorts } from "@mortise/kernel";
import { freePort } from "@mortise/kernel/processes/free-port";
import { type AppOptions, given, servedService, silentLog, testApp } from "@mortise/kernel/testing";
import { Library, libraryHandlers } from "./library.fixture.ts";
import { restOptions } from "./options.ts";
import { json } from "./rest.fixture.ts";
import { rest, restProtocol } from "./rest.ts";

const nothing: Exposure = { services: [], serializers: new Map() };
const start = (options: object) =>
  restProtocol({ options: restOptions.parse(options), ports: systemPorts, log: silentLog });

it("asks for its fixed port alone, and says in one sentence that it is taken", async () => {
  assert.equal(rest.exclusive?.(restOptions.parse({ port: 8080 })), true);
  assert.equal(rest.exclusive?.(restOptions.parse({})), false);
  const port = await freePort();
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
  await assert.rejects(start({ port }).listen(nothing), {
    message: `protocol/rest cannot listen on 127.0.0.1:${port}: another process has it; give the option "port" another number, or 0 for any that is free`,
  });
  other.close();
});

it("hands a fixed port over to its successor, and takes it back when that cannot start", async () => {
  const port = await freePort();
  const setup = () => ({ handlers: libraryHandlers });
  const plugins = [rest, given(serializer, "json", json), defineService(Library, { description: "Books", setup })];
  const appWith = (options: object): AppOptions => {
    return { plugins, use: { protocol: "rest", serializer: "json" }, options: { "protocol/rest": options } };
  };
  const title = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/openapi.json`);
    return ((await response.json()) as { info: { title: string } }).info.title;
  };
  await using app = await testApp(appWith({ port, title: "one" }));
  assert.equal(await title(), "one");
  await (await app.become(appWith({ port, title: "two" }))).settled;
  assert.equal(await title(), "two");
  const refusal = await app.attempt(appWith({ port, title: "three", host: "192.0.2.1" }));
  assert.match(refusal, /this machine has no such address; correct the option "host"/);
  assert.equal(await title(), "two");
  assert.equal((await app.clients.client(Library).get({ id: "7" })).title, "Title of 7");
});

it("refuses to begin with two services that want the same path", async () => {
  const served = servedService(Library, {} as never, silentLog);
  const twin = { ...served, methods: new Map([...served.methods].map(([name, one]) => [`${name}2`, one])) };
  await assert.rejects(
    start({}).listen({ ...nothing, services: [served, twin] }),
    /cannot offer both: .* are both GET/,
  );
});
