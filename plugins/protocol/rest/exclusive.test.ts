import assert from "node:assert/strict";
import { createServer } from "node:net";
import { it } from "node:test";
import { type Exposure, systemPorts } from "@mortise/kernel";
import { freePort } from "@mortise/kernel/processes/free-port";
import { servedService, silentLog } from "@mortise/kernel/testing";
import { Library } from "./library.fixture.ts";
import { restOptions } from "./options.ts";
import { rest, restProtocol } from "./rest.ts";

const nothing: Exposure = { services: [], serializers: new Map() };
const start = (given: object) =>
  restProtocol({ options: restOptions.parse(given), ports: systemPorts, log: silentLog });

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

it("refuses to begin with two services that want the same path", async () => {
  const served = servedService(Library, {} as never, silentLog);
  const twin = { ...served, methods: new Map([...served.methods].map(([name, one]) => [`${name}2`, one])) };
  await assert.rejects(
    start({}).listen({ ...nothing, services: [served, twin] }),
    /cannot offer both: .* are both GET/,
  );
});
