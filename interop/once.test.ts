// A provider is killed between the commit and the answer: the request that is sent again gets the stored result, and the effect is there once.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { background } from "@mortise/kernel";
import { eventually, onServer, postgresServer, testApp } from "@mortise/kernel/testing";
import { failfast } from "@mortise/plugins/cluster/failfast/failfast";
import { grpc } from "@mortise/plugins/protocol/grpc/grpc";
import { file } from "@mortise/plugins/registry/file/file";
import { Till } from "./once.fixture.ts";

await onServer(
  "a request whose provider is killed before it answers",
  () => postgresServer({ ours: true }),
  (server) => {
    async function provider(t: TestContext, dir: string, mode: "crash" | "serve") {
      const script = join(import.meta.dirname, "once.fixture.ts");
      const child = spawn(process.execPath, ["--conditions=source", script, dir, server.url, mode], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      t.after(() => child.kill("SIGKILL"));
      await once(child.stdout, "data");
      return child;
    }

    it("is answered with the result of the first time, and has one effect", async (t) => {
      const dir = await mkdtemp(join(tmpdir(), "mortise-once-"));
      t.after(() => rm(dir, { recursive: true, force: true }));
      const doomed = await provider(t, dir, "crash");
      await using app = await testApp({
        plugins: [grpc, file, failfast],
        use: { protocol: "grpc", registry: "file", cluster: "failfast", filter: ["default"], server: [] },
        options: { "registry/file": { dir, pollMs: 50, leaseMs: 2000 } },
        policies: { "*": { timeoutMs: 30_000 } },
      });
      const till = app.clients.client(Till);
      const pay = (account: string, key: string) =>
        till.pay({ account, receipt: "" }, background.with({ idempotencyKey: key }));
      const ended = once(doomed, "exit");
      await assert.rejects(pay("ann", "key"), { code: "UNAVAILABLE" });
      assert.deepEqual((await ended)[1], "SIGKILL");

      await Promise.all([provider(t, dir, "serve"), provider(t, dir, "serve")]);
      const [again] = await eventually(
        () => Promise.all(Array.from({ length: 8 }, () => pay("ann", "key"))).catch(() => undefined),
        60_000,
      );
      assert.deepEqual((await till.list({ account: "ann", receipt: "" })).receipts, [again?.receipt]);
      assert.notEqual((await pay("ann", "other key")).receipt, again?.receipt);
    });
  },
);
