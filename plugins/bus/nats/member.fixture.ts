// One member of a group in a process of its own: tells on standard output what it begins and ends.
import { setTimeout as sleep } from "node:timers/promises";
import type { Bus } from "@mortise/kernel";
import { startPlugin } from "@mortise/kernel/testing";
import { nats } from "./nats.ts";

const [servers = "", topic = "", group = ""] = process.argv.slice(2);

function tell(what: "ready" | "begin" | "end", id = "", key = ""): void {
  console.log(JSON.stringify({ what, id, key, at: performance.timeOrigin + performance.now() }));
}

const { api } = await startPlugin<Bus>(nats, { options: { servers, ackWaitMs: 3000 } });
await api.subscribe(topic, group, async ({ id, key = "" }) => {
  tell("begin", id, key);
  await sleep(4);
  tell("end", id, key);
});
tell("ready");
