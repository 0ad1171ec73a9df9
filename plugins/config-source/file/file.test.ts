import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import type { ConfigSource } from "@mortise/kernel";
import { configSourceConformance } from "@mortise/kernel/spi/config-source.conformance";
import { eventually, startPlugin } from "@mortise/kernel/testing";
import { file } from "./file.ts";

const open = (dir: string) =>
  startPlugin<ConfigSource>(file, {
    options: { dir: join(dir, "rules"), lastGoodDir: join(dir, "good"), keepVersions: 3 },
  });

configSourceConformance({
  name: "file",
  async make() {
    const dir = await mkdtemp(join(tmpdir(), "rules-"));
    return { subject: { open: () => open(dir) }, end: () => rm(dir, { recursive: true }) };
  },
});

it("passes over what is no good version, and says that a version makes no sense", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "rules-"));
  t.after(() => rm(dir, { recursive: true }));
  const { api, stop } = await open(dir);
  const made = await api.publish("shop", { text: "policies: {}", by: "ann", note: "", after: 0 });
  await api.keep("shop", made);
  await writeFile(join(dir, "good/shop/9.json"), "{");
  assert.deepEqual(await api.kept("shop"), [made]);
  const heard: number[] = [];
  api.watch("shop", (newest) => heard.push(newest?.version ?? 0));
  await eventually(() => heard.length === 1);
  await writeFile(join(dir, "rules/shop/versions/2.json"), "{");
  await assert.rejects(api.read("shop"), { code: "UNAVAILABLE" });
  assert.deepEqual(heard, [1]);
  await stop?.();
});
