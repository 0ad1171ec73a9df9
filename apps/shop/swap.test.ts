import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { eventually } from "@mortise/kernel/testing";
import { patience } from "./patience.fixture.ts";
import { type ShopProcess, startShop } from "./shop-process.ts";

const dataDir = mkdtempSync(join(tmpdir(), "mortise-swap-"));
const file = join(import.meta.dirname, `.swap-${process.pid}.yaml`); // services are found beside it
const original = readFileSync(join(import.meta.dirname, "shop.yaml"), "utf8");

/** Each differs from the one before in one line or two. */
const edits: readonly (readonly [from: RegExp, to: string])[] = [
  [/loadbalancer: .*/, "loadbalancer: least-active"],
  [/filter: .*/, "filter: [default, -tracing]"],
  [/loadbalancer: .*/, "loadbalancer: p2c"],
  [/filter: .*/, "filter: [metrics, default]"],
  [/loadbalancer: .*/, "loadbalancer: random"],
  [/filter: .*/, "filter: [tracing, deadline]"],
  [/loadbalancer: .*/, "loadbalancer: consistent-hash"],
  [/cluster: .*/, "cluster: failfast"],
  [/filter: .*/, "filter: [default, -validate, -tracing]"],
  [/serializer: .*/, "serializer: json"],
];

describe("a running shop", { timeout: 600_000 }, () => {
  let shop: ShopProcess;
  let text = original;

  before(async () => {
    writeFileSync(file, original);
    shop = await startShop({ dataDir, set: patience, file: `apps/shop/${file.slice(import.meta.dirname.length + 1)}` });
  });
  after(async () => {
    await shop.stop();
    rmSync(file, { force: true });
    rmSync(dataDir, { recursive: true, force: true });
  });

  function edit(from: RegExp, to: string): void {
    text = text.replace(from, to);
    writeFileSync(file, text);
  }

  /** How many clients' spans the trace of one more request has. */
  async function clientSpans(): Promise<number> {
    const { headers } = await fetch(`${shop.url}/api/products`);
    const traceId = headers.get("x-trace-id") ?? "";
    const { spans } = await eventually(async () => {
      const answer = await fetch(`${shop.url}/traces/${traceId}`, { headers: { accept: "application/json" } });
      return answer.ok && ((await answer.json()) as { spans: readonly { kind: string }[] });
    });
    return spans.filter(({ kind }) => kind === "client").length;
  }

  it("changes strategies ten times under load and fails no call", async () => {
    let done = 0;
    let going = true;
    const failed: string[] = [];
    const worker = async () => {
      while (going) {
        const answer = await fetch(`${shop.url}/api/products?pageSize=1`);
        if (!answer.ok) failed.push(`${answer.status} ${await answer.text()}`);
        else await answer.arrayBuffer();
        done++;
      }
    };
    const load = Array.from({ length: 16 }, worker);
    for (const [i, [from, to]] of edits.entries()) {
      const seen = done;
      const changes = () => shop.output().split("configuration is applied").length;
      const before = changes();
      edit(from, to);
      await eventually(() => changes() > before, 60_000);
      await eventually(() => done >= Math.max(seen + 500, (i + 1) * 1000), 60_000);
    }
    going = false;
    await Promise.all(load);
    assert.deepEqual(failed, []);
    assert.ok(done >= 10_000, `${done} calls`);
  });

  it("behaves as its file says", async () => {
    assert.equal(await clientSpans(), 0);
    edit(/filter: .*/, "filter: default");
    await eventually(async () => (await clientSpans()) > 0, 60_000);
  });

  it("changes nothing for an edit that is broken, and says where it is", async () => {
    const good = text;
    edit(/loadbalancer: .*/, "loadbalancer: p2x");
    const line = text.split("\n").findIndex((one) => one.includes("p2x")) + 1;
    await eventually(
      () => shop.output().includes(`:${line}:17`) && shop.output().includes("Did you mean p2c?"),
      60_000,
    );
    assert.equal((await fetch(`${shop.url}/api/products`)).status, 200);
    text = good;
    writeFileSync(file, good);
  });
});
