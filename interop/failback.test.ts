import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { it } from "node:test";
import { systemPorts } from "@mortise/kernel";
import { bareService, Echo, echoHandlers, eventually, natsServer, onServer, testApp } from "@mortise/kernel/testing";
import { nats } from "@mortise/plugins/bus/nats/nats";
import { failback } from "@mortise/plugins/cluster/failback/failback";

await onServer("cluster/failback over NATS", natsServer, ({ url }) => {
  it("a kept call is made by the next process when the one that kept it was killed", async (t) => {
    const prefix = `failback${systemPorts.ids.hex(4)}`;
    const script = join(import.meta.dirname, "failback.fixture.ts");
    const args = ["--conditions=source", script, url, prefix];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => child.kill("SIGKILL"));
    const [said] = await once(child.stdout, "data");
    assert.equal(String(said).trim(), "kept 0", "its caller got an empty answer");
    child.kill("SIGKILL");
    await once(child, "exit");

    const uploads: unknown[] = [];
    const handlers = {
      ...echoHandlers(),
      upload: ({ data }: { data: Uint8Array }, { tenant, idempotencyKey }: Record<string, unknown>) => {
        uploads.push([...data], tenant, idempotencyKey);
        return { size: data.length };
      },
    };
    await using app = await testApp({
      plugins: [nats, failback, bareService("echo", { offers: [{ service: Echo, handlers } as never] })],
      use: { bus: "nats", cluster: "failback" },
      options: {
        "bus/nats": { servers: url, prefix, ackWaitMs: 1000 },
        "cluster/failback": { delayMs: 500 },
      },
    });
    app.clients.client(Echo); // as a service of the app asks for it at its start; nothing is called
    await eventually(() => uploads.length > 0, 60_000);
    assert.deepEqual(uploads, [[1, 2, 3], "acme", "once"]);
  });
});
