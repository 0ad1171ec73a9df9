// A process that calls a service nobody serves and has the call kept: node failback.fixture.ts <NATS server> <prefix>
import { callContext } from "@mortise/kernel";
import { Echo, testApp } from "@mortise/kernel/testing";
import { nats } from "@mortise/plugins/bus/nats/nats";
import { failback } from "@mortise/plugins/cluster/failback/failback";

const [servers = "", prefix = ""] = process.argv.slice(2);
await using app = await testApp({
  plugins: [nats, failback],
  use: { bus: "nats", cluster: "failback", server: [] },
  options: {
    "bus/nats": { servers, prefix, ackWaitMs: 1000 },
    "cluster/failback": { delayMs: 500 },
    "clients/runtime": { waitForInstanceMs: 0 },
  },
});
const context = callContext({ timeoutMs: 5000, tenant: "acme", idempotencyKey: "once" });
const { size } = await app.clients.client(Echo).upload({ data: Uint8Array.of(1, 2, 3) }, context);
console.log(`kept ${size}`);
setInterval(() => undefined, 1000);
