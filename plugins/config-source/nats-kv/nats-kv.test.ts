import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import type { ConfigSource } from "@mortise/kernel";
import { configSourceConformance } from "@mortise/kernel/spi/config-source.conformance";
import { eventually, natsServer, onServer, startPlugin } from "@mortise/kernel/testing";
import { natsKv } from "./nats-kv.ts";

let made = 0;
const dir = mkdtempSync(join(tmpdir(), "nats-rules-"));
after(() => rmSync(dir, { recursive: true, force: true }));

await onServer(
  "config-source/nats-kv on a NATS server",
  () => natsServer({ ours: true }),
  (server) => {
    const open = (bucket: string, servers = server.url) =>
      startPlugin<ConfigSource>(natsKv, {
        options: { servers, bucket, lastGoodDir: join(dir, bucket), keepVersions: 3 },
      });

    configSourceConformance({
      name: "nats-kv",
      make() {
        const bucket = `test${made++}`;
        return { subject: { open: () => open(bucket) } };
      },
    });

    it("hears of what is published after the server was away", async () => {
      const [one, two] = [await open("away"), await open("away")];
      const heard: number[] = [];
      one.api.watch("shop", (newest) => heard.push(newest?.version ?? 0));
      await two.api.publish("shop", { text: "a", by: "ann", note: "", after: 0 });
      await eventually(() => heard.at(-1) === 1);
      await server.kill();
      await assert.rejects(two.api.read("shop"), { code: "UNAVAILABLE" });
      await server.restart();
      await eventually(
        () => two.api.publish("shop", { text: "b", by: "ann", note: "", after: 1 }).catch(() => undefined),
        60_000,
      );
      await eventually(() => heard.at(-1) === 2, 60_000);
      await Promise.all([one.stop?.(), two.stop?.()]);
    });

    it("starts while the server is down, and still gives what has proved good", async () => {
      const good = await open("down");
      const version = await good.api.publish("shop", { text: "a", by: "ann", note: "", after: 0 });
      await good.api.keep("shop", version);
      await good.stop?.();
      const { api, stop } = await open("down", "nats://127.0.0.1:1");
      const heard: unknown[] = [];
      api.watch("shop", (newest) => heard.push(newest));
      api.report("shop", { process: "a", runs: 1 });
      await assert.rejects(api.read("shop"), { code: "UNAVAILABLE" });
      assert.deepEqual(await api.kept("shop"), [version]);
      assert.deepEqual(heard, []);
      await stop?.();
    });
  },
);
