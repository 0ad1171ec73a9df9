import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Exchange } from "./exchange.ts";
import { buildJava } from "./java.ts";
import { javaConsumer, javaProvider, mortiseConsumer, mortiseProvider } from "./peers.ts";
import { startProxy, type Tap } from "./proxy.ts";

const idleMs = Number(process.env.MORTISE_INTEROP_IDLE_SECONDS ?? 20) * 1000;
/** So that without heartbeats either side would close the connection: both do after three of them. */
const heartbeatMs = Math.round(idleMs / 4);
const heartbeats = { heartbeatMs, idleMs: heartbeatMs * 3 };

const isHeartbeat = (bytes: Buffer) => bytes.readUInt16BE(0) === 0xdabb && ((bytes[2] ?? 0) & 0x20) !== 0;

/** Nothing is called for so long, while heartbeats go there and back over the one connection. */
async function rest(tap: Tap): Promise<void> {
  tap.passed.length = 0;
  await sleep(idleMs);
  for (const from of ["client", "server"] as const) {
    const frames = tap.passed.filter((one) => one.from === from && isHeartbeat(one.bytes));
    assert.ok(frames.length >= 2, `${frames.length} heartbeats came from the ${from}`);
  }
  assert.equal(tap.accepted, 1);
}

describe(`after ${idleMs / 1000} idle seconds`, { concurrency: 4 }, async () => {
  for (const version of ["3.3.6", "2.7.23"]) {
    const built = await buildJava(import.meta.dirname, { properties: { "dubbo.version": version } });
    const skip = built.missing ?? false;
    const home = "home" in built ? built.home : "";
    const timeout = idleMs + 60_000;

    it(`a consumer of Dubbo ${version} calls over the same connection`, { skip, timeout }, async (test) => {
      const { app, port } = await mortiseProvider("mortise", heartbeats);
      test.after(() => app.stop());
      const tap = await startProxy(port, true);
      test.after(() => tap.close());
      const java = await javaConsumer(home, [tap.port], { heartbeatMs });
      test.after(() => java.kill());
      assert.equal(await java.ask("name"), "mortise");
      await rest(tap);
      assert.equal(await java.ask("name"), "mortise");
      assert.equal(tap.accepted, 1);
    });

    it(`a provider of Dubbo ${version} is called over the same connection`, { skip, timeout }, async (test) => {
      const { java, port } = await javaProvider(home, "java", { heartbeatMs });
      test.after(() => java.kill());
      const tap = await startProxy(port, true);
      test.after(() => tap.close());
      const consumer = await mortiseConsumer([tap.port], heartbeats);
      test.after(() => consumer.stop());
      const exchange = consumer.app.clients.client(Exchange);
      assert.equal((await exchange.name({})).text, "java");
      await rest(tap);
      assert.equal((await exchange.name({})).text, "java");
      assert.equal(tap.accepted, 1);
    });
  }
});
