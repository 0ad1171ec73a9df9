import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { type Instance, systemPorts } from "@mortise/kernel";
import { registryConformance } from "@mortise/kernel/spi/registry.conformance";
import { eventually, inTime, keptLog, sampleInstance, silentLog } from "@mortise/kernel/testing";
import { fileRegistry } from "./file-registry.ts";

const service = "mortise.sample.v1.Sample";
const tempDir = () => mkdtemp(join(tmpdir(), "mortise-registry-"));
const openIn = (dir: string, log = silentLog) => fileRegistry({ dir, pollMs: 50, leaseMs: 3000 }, systemPorts, log);

registryConformance({
  name: "file",
  async make() {
    const dir = await tempDir();
    return { subject: { open: async () => openIn(dir) }, end: () => rm(dir, { recursive: true }) };
  },
});

/** A directory, a registry on it and the ids that registry sees now. */
async function watched(t: TestContext, log = silentLog) {
  const dir = await tempDir();
  const { api, stop } = openIn(dir, log);
  t.after(async () => {
    await stop?.();
    await rm(dir, { recursive: true });
  });
  let last: readonly Instance[] = [];
  await api.watch(service, (snapshot) => {
    last = snapshot;
  });
  return { dir, api, instances: () => last, ids: () => last.map(({ id }) => id).sort() };
}

/** A process of its own that has registered `id`. */
async function ownerProcess(t: TestContext, dir: string, id: string) {
  const child = spawn(
    process.execPath,
    ["--conditions=source", join(import.meta.dirname, "owner.fixture.ts"), dir, id],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child;
}

describe("registry/file", () => {
  it("shows an instance of another process, and not for a second after that was killed", async (t) => {
    const { dir, ids } = await watched(t);
    let child: ChildProcess | undefined;
    const come = async () => {
      child = await ownerProcess(t, dir, "theirs");
      await eventually(() => assert.deepEqual(ids(), ["theirs"]) ?? true);
    };
    const go = async () => {
      child?.kill("SIGKILL");
      await eventually(() => assert.deepEqual(ids(), []) ?? true);
    };
    await inTime(1000, go, come);
    await eventually(async () => (await readdir(dir)).length === 0);
  });

  it("gives up an owner on another machine when its lease is over, and believes it when it comes back", async (t) => {
    const { dir, ids } = await watched(t);
    const path = join(dir, "elsewhere.json");
    const renew = (agoMs: number) => utimes(path, (Date.now() - agoMs) / 1000, (Date.now() - agoMs) / 1000);
    const owner = { host: `not-${hostname()}`, process: "1@1" };
    await writeFile(path, JSON.stringify({ owner, instances: [sampleInstance("far")] }));
    await eventually(() => assert.deepEqual(ids(), ["far"]) ?? true);
    await renew(3500);
    await eventually(() => assert.deepEqual(ids(), []) ?? true);
    await renew(0);
    await eventually(() => assert.deepEqual(ids(), ["far"]) ?? true);
    await renew(60_000);
    await eventually(async () => (await readdir(dir)).length === 0);
  });

  it("does not take a number that was used again for the owner", async (t) => {
    const { dir, ids } = await watched(t);
    const owner = { host: hostname(), process: `${process.pid}@1` };
    await writeFile(join(dir, "old.json"), JSON.stringify({ owner, instances: [sampleInstance("old")] }));
    await eventually(async () => (await readdir(dir)).length === 0);
    assert.deepEqual(ids(), []);
  });

  it("reads a list that people wrote, fills in defaults, and follows its changes", async (t) => {
    const { dir, instances } = await watched(t);
    const entry = { service, address: "10.0.0.7:50051", protocol: "grpc" };
    await writeFile(join(dir, "partners.json"), JSON.stringify({ instances: [entry] }));
    await eventually(() => instances().length === 1);
    assert.deepEqual(instances()[0], {
      ...sampleInstance(`grpc:10.0.0.7:50051:${service}`, { address: "10.0.0.7:50051", protocol: "grpc" }),
    });
    await writeFile(
      join(dir, "partners.json"),
      JSON.stringify({ instances: [entry, { ...entry, address: "10.0.0.8:1" }] }),
    );
    await eventually(() => instances().length === 2);
  });

  it("says once what is wrong with a file and reads the others", async (t) => {
    const log = keptLog();
    const { dir, api, ids } = await watched(t, log);
    await writeFile(join(dir, "broken.json"), "{");
    await writeFile(
      join(dir, "wrong.json"),
      JSON.stringify({ instances: [{ service, adress: "x", protocol: "grpc" }] }),
    );
    await api.register(sampleInstance("ours"));
    await eventually(() => assert.deepEqual(ids(), ["ours"]) ?? true);
    await api.services();
    const said = log.lines.map(({ message }) => message).sort();
    assert.equal(said.length, 2);
    assert.match(said[0] ?? "", /ignores .*broken\.json: it is not JSON/);
    assert.match(said[1] ?? "", /ignores .*wrong\.json: instances\.0\.address: .*adress/);
  });

  it("writes its file again when somebody removed it", async (t) => {
    const { dir, api, ids } = await watched(t);
    await api.register(sampleInstance("ours"));
    await eventually(() => assert.deepEqual(ids(), ["ours"]) ?? true);
    for (const name of await readdir(dir)) await rm(join(dir, name));
    await eventually(() => assert.deepEqual(ids(), []) ?? true);
    await eventually(() => assert.deepEqual(ids(), ["ours"]) ?? true);
  });

  it("never shows a half-written file while many owners come and go", async (t) => {
    const log = keptLog();
    const { dir, ids } = await watched(t, log);
    const owners = Array.from({ length: 8 }, () => openIn(dir, log));
    await Promise.all(
      owners.map(async ({ api }, i) => {
        for (let round = 0; round < 20; round++) {
          const registration = await api.register(sampleInstance(`${i}-${round}`));
          if (round < 19) await registration.withdraw();
        }
      }),
    );
    await eventually(() => assert.deepEqual(ids(), owners.map((_, i) => `${i}-19`).sort()) ?? true);
    assert.deepEqual(log.lines, []);
    for (const { stop } of owners) await stop?.();
    await eventually(() => assert.deepEqual(ids(), []) ?? true);
  });

  it("fails to register with the reason when the directory cannot be made", async (t) => {
    const { dir } = await watched(t);
    await writeFile(join(dir, "file"), "");
    await assert.rejects(openIn(join(dir, "file", "below")).api.register(sampleInstance("a")), /ENOTDIR/);
  });
});
