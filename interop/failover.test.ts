import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { Echo, eventually, testApp } from "@mortise/kernel/testing";
import { failover } from "@mortise/plugins/cluster/failover/failover";
import { deadline } from "@mortise/plugins/filter/deadline/deadline";
import { roundRobin } from "@mortise/plugins/loadbalancer/round-robin/round-robin";
import { grpc } from "@mortise/plugins/protocol/grpc/grpc";
import { file } from "@mortise/plugins/registry/file/file";

async function provider(t: TestContext, dir: string): Promise<ChildProcess> {
  const script = join(import.meta.dirname, "provider.fixture.ts");
  const child = spawn(process.execPath, ["--conditions=source", script, dir], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child;
}

it("no idempotent call fails while providers are killed, paused and started again", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "mortise-failover-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const providers = await Promise.all([provider(t, dir), provider(t, dir), provider(t, dir)]);
  await using app = await testApp({
    plugins: [grpc, file, failover, roundRobin, deadline],
    use: {
      protocol: "grpc",
      registry: "file",
      cluster: "failover",
      loadbalancer: "round-robin",
      filter: ["default"],
      server: [],
    },
    options: { "registry/file": { dir, pollMs: 50, leaseMs: 2000 } },
    policies: { "*": { timeoutMs: 30_000, attemptTimeoutMs: 1000, retries: 4 } },
  });
  const echo = app.clients.client(Echo);
  const errors: unknown[] = [];
  let calls = 0;
  let over = false;
  const worker = async () => {
    while (!over) {
      await echo.whoami({}).catch((error: unknown) => errors.push(error));
      calls++;
    }
  };
  const workers = Array.from({ length: 8 }, worker);
  const pass = (count: number) => {
    const from = calls;
    return eventually(() => calls >= from + count, 120_000);
  };
  await pass(200);
  providers[0]?.kill("SIGKILL");
  await pass(500);
  providers[1]?.kill("SIGSTOP");
  await pass(100);
  providers[1]?.kill("SIGCONT");
  await provider(t, dir);
  providers[2]?.kill("SIGKILL");
  await pass(500);
  over = true;
  await Promise.all(workers);
  assert.deepEqual(errors, []);
});
