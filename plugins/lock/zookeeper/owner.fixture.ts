// A process of its own that holds a lock, for the test to kill: node owner.fixture.ts <url> <space> <leaseMs>
import type { Lock } from "@mortise/kernel";
import { startPlugin } from "@mortise/kernel/testing";
import { zookeeper } from "./zookeeper.ts";

const [url = "", space = "", leaseMs = ""] = process.argv.slice(2);
const { api } = await startPlugin<Lock>(zookeeper, {
  options: { servers: url, root: `/${space}/lock`, sessionMs: 1000 },
});
const held = await api.acquire("a", { leaseMs: Number(leaseMs) });
console.log(`${held?.token}`);
setInterval(() => undefined, 1000);
