import assert from "node:assert/strict";
import { createServer } from "node:net";
import { it } from "node:test";
import { server } from "@mortise/kernel";
import { freePort } from "@mortise/kernel/processes/free-port";
import { type AppOptions, Echo, echoService, testApp } from "@mortise/kernel/testing";
import { grpc } from "./grpc.ts";

const appWith = (options: object): AppOptions => ({
  plugins: [grpc, echoService()],
  use: { protocol: "grpc" },
  options: { "protocol/grpc": options },
});

it("hands a fixed port over to its successor, and takes it back when that cannot start", async () => {
  const port = await freePort();
  await using app = await testApp(appWith({ port }));
  const echo = app.clients.client(Echo);
  const size = async () => (await echo.bytes({ size: 20_000 })).data.length;
  assert.equal(await size(), 20_000);
  await (await app.become(appWith({ port, maxMessageBytes: 10_000 }))).settled;
  await assert.rejects(size(), { code: "RESOURCE_EXHAUSTED", message: /10000/ });
  const refusal = await app.attempt(appWith({ port, host: "192.0.2.1" }));
  assert.match(refusal, /this machine has no such address; correct the option "host"/);
  await assert.rejects(size(), { code: "RESOURCE_EXHAUSTED", message: /10000/ });
  await (await app.become(appWith({ port }))).settled;
  assert.equal(await size(), 20_000);
  assert.deepEqual(
    app.kernel.get(server).endpoints.map(({ address }) => address),
    [`127.0.0.1:${port}`],
  );
});

it("refuses to start with a port that is taken, in one sentence", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as { port: number };
  await assert.rejects(testApp(appWith({ port })), (error: Error) => {
    assert.match(error.message, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}: another process has it`));
    return true;
  });
  other.close();
});
