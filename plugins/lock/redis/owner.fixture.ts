// A process of its own that holds a lock, for the test to kill: node owner.fixture.ts <url> <space> <leaseMs>
import type { Lock } from "@mortise/kernel";
import { startPlugin } from "@mortise/kernel/testing";
import { redis } from "./redis.ts";

const [url = "", space = "", leaseMs = ""] = process.argv.slice(2);
const { api } = await startPlugin<Lock>(redis, { options: { url, prefix: space } });
const held = await api.acquire("a", { leaseMs: Number(leaseMs) });
console.log(`${held?.token}`);
setInterval(() => undefined, 1000);
