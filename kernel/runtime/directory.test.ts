import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { systemPorts } from "../core/ports.ts";
import type { Registry } from "../spi/registry.ts";
import { tableRegistry } from "../testing/app/table-registry.ts";
import { eventually } from "../testing/eventually.ts";
import { keptLog } from "../testing/logs.ts";
import { Sample, sampleInstance } from "../testing/samples.ts";
import { virtualPorts } from "../testing/virtual-ports.ts";
import { type RegistryDirectory, type RegistryDirectoryOptions, registryDirectory } from "./directory.ts";
import { folderCache } from "./directory-cache.ts";

const { name } = Sample;
const [a, b] = ["a", "b"].map((id) => sampleInstance(id)) as [
  ReturnType<typeof sampleInstance>,
  ReturnType<typeof sampleInstance>,
];
const ids = (directory: RegistryDirectory) => directory.view(name).instances.map(({ id }) => id);

const shows = (directory: RegistryDirectory, expected: readonly string[], why?: string) =>
  eventually(() => {
    assert.deepEqual(ids(directory), expected, why);
    return true;
  });

function directoryOn(registry: Registry, options: Partial<RegistryDirectoryOptions> = {}) {
  const ports = virtualPorts();
  const given = { believeEmptyAfterMs: Number.POSITIVE_INFINITY, retryMs: 1000, ...options };
  const directory = registryDirectory({
    options: given,
    ports,
    log: keptLog(),
    cache: undefined,
    registry: () => registry,
  });
  return { directory, ports };
}

describe("the directory", () => {
  it("asks the registry for a service once somebody wants it, and follows its changes", async () => {
    const registry = tableRegistry();
    const { directory, ports } = directoryOn(registry);
    assert.equal(registry.table.watches, 0);
    await registry.register(a);
    const view = directory.view(name);
    assert.equal(directory.view(name), view);
    assert.equal(registry.table.watches, 1);
    await ports.advance(0);
    assert.deepEqual(ids(directory), ["a"]);
    let changes = 0;
    const forget = view.onChange(() => changes++);
    await registry.register(b);
    assert.deepEqual([ids(directory), changes], [["a", "b"], 1]);
    forget();
    await (await registry.register(b)).withdraw();
    assert.deepEqual([ids(directory), changes], [["a"], 1]);
    await directory.close();
    assert.equal(registry.table.watches, 0);
  });

  it("keeps a frozen list and its instances the same objects while nothing changes", async () => {
    const registry = tableRegistry();
    const { directory, ports } = directoryOn(registry);
    await registry.register(a);
    directory.view(name);
    await ports.advance(0);
    const { instances } = directory.view(name);
    assert.ok(Object.isFrozen(instances));
    await registry.register({ ...a });
    assert.equal(directory.view(name).instances, instances);
    await registry.register(b);
    assert.equal(directory.view(name).instances[0], instances[0]);
  });

  it("does not believe a list that is suddenly empty, until the instances cannot be reached", async () => {
    const registry = tableRegistry();
    const { directory, ports } = directoryOn(registry);
    const registrations = [await registry.register(a), await registry.register(b)];
    const view = directory.view(name);
    await ports.advance(0);
    registry.table.set(name, []);
    await ports.advance(86_400_000);
    assert.deepEqual(ids(directory), ["a", "b"]);
    view.unreachable(view.instances[0] ?? a);
    assert.deepEqual(ids(directory), ["b"]);
    await registry.register(sampleInstance("c"));
    assert.deepEqual(ids(directory).sort(), ["a", "b", "c"], "a list with somebody in it is believed");
    view.unreachable(view.instances[0] ?? a);
    assert.equal(ids(directory).length, 3, "what the registry says stands, reachable or not");
    assert.equal(registrations.length, 2);
  });

  it("believes an empty list at once, or after a while, when told so", async () => {
    for (const believeEmptyAfterMs of [0, 5000]) {
      const registry = tableRegistry();
      const { directory, ports } = directoryOn(registry, { believeEmptyAfterMs });
      const registration = await registry.register(a);
      directory.view(name);
      await ports.advance(0);
      await registration.withdraw();
      if (believeEmptyAfterMs > 0) {
        await ports.advance(4999);
        assert.deepEqual(ids(directory), ["a"]);
        await ports.advance(1);
      }
      assert.deepEqual(ids(directory), []);
      assert.equal(ports.pending, 0);
    }
  });

  it("tries again for ever while the registry is down, and says so once", async () => {
    const registry = tableRegistry();
    registry.down = true;
    const ports = virtualPorts();
    const log = keptLog();
    const options = { believeEmptyAfterMs: 0, retryMs: 1000 };
    const directory = registryDirectory({ options, ports, log, cache: undefined, registry: () => registry });
    directory.view(name);
    await ports.advance(10_000);
    assert.deepEqual(ids(directory), []);
    registry.down = false;
    await registry.register(a);
    await ports.advance(1000);
    assert.deepEqual(ids(directory), ["a"]);
    assert.deepEqual(
      log.lines.map(({ level }) => level).filter((level) => level !== "debug"),
      ["warn"],
    );
  });

  it("survives a change of the registry: what is known stays until the new one knows better", async () => {
    const [before, after] = [tableRegistry(), tableRegistry()];
    const { directory, ports } = directoryOn(before);
    await before.register(a);
    directory.view(name);
    await ports.advance(0);
    const known = directory.view(name).instances[0];
    after.down = true;
    await directory.use(after);
    assert.equal(before.table.watches, 0);
    await ports.advance(500);
    assert.deepEqual(ids(directory), ["a"]);
    after.down = false;
    await ports.advance(500);
    assert.deepEqual(ids(directory), ["a"], "its list is empty, which is not believed");
    await after.register({ ...a });
    await after.register(b);
    assert.deepEqual(ids(directory), ["a", "b"]);
    assert.equal(directory.view(name).instances[0], known, "an unchanged instance stays the same object");
    await before.register(sampleInstance("late"));
    assert.deepEqual(ids(directory), ["a", "b"]);
  });

  it("is not held up by a registry that never answers", async () => {
    const dead: Registry = {
      register: () => new Promise(() => {}),
      watch: () => new Promise(() => {}),
      services: async () => [],
    };
    const { directory } = directoryOn(dead);
    directory.view(name);
    await directory.use(tableRegistry());
    await directory.close();
  });
});

describe("the directory on disk", () => {
  const folders: string[] = [];
  const open: RegistryDirectory[] = [];
  const folder = async () => {
    const made = await mkdtemp(join(tmpdir(), "mortise-directory-"));
    folders.push(made);
    return join(made, "known");
  };
  afterEach(async () => {
    for (const directory of open.splice(0)) await directory.close();
    for (const made of folders.splice(0)) await rm(made, { recursive: true });
  });

  function remembering(registry: Registry, path: string) {
    const log = keptLog();
    const options = { believeEmptyAfterMs: 0, retryMs: 10 };
    const cache = folderCache(path, systemPorts, log);
    const directory = registryDirectory({ options, ports: systemPorts, log, cache, registry: () => registry });
    open.push(directory);
    return { directory, log };
  }

  it("lets a process start while the registry is down, with what an earlier one knew", async () => {
    const path = await folder();
    const registry = tableRegistry();
    const first = remembering(registry, path).directory;
    await registry.register(a);
    first.view(name);
    await shows(first, ["a"]);
    await registry.register(b);
    await first.close();
    assert.deepEqual(await readdir(path), [`${name}.json`]);

    registry.down = true;
    const second = remembering(registry, path).directory;
    second.view(name);
    await shows(second, ["a", "b"]);
    assert.deepEqual(second.view(name).instances[0], a);
    registry.table.set(name, []);
    registry.down = false;
    await shows(second, [], "any word of the registry is better than a memory");
    await second.close();
  });

  it("drops a remembered instance that cannot be reached", async () => {
    const path = await folder();
    const registry = tableRegistry();
    const first = remembering(registry, path).directory;
    await registry.register(a);
    first.view(name);
    await shows(first, ["a"]);
    await first.close();
    registry.down = true;
    const second = remembering(registry, path).directory;
    const view = second.view(name);
    await shows(second, ["a"]);
    view.unreachable(view.instances[0] ?? a);
    assert.deepEqual(ids(second), []);
    await second.close();
  });

  it("goes on without it when it cannot be read or written", async () => {
    const path = await folder();
    const registry = tableRegistry();
    await registry.register(a);
    await writeFile(path, "a file where the folder should be");
    const { directory, log } = remembering(registry, path);
    directory.view(name);
    await shows(directory, ["a"]);
    await directory.close();
    assert.deepEqual([...new Set(log.lines.map(({ level }) => level))], ["warn"]);
  });

  it("is not taken from a file that holds something else", async () => {
    const path = await folder();
    const registry = tableRegistry();
    const first = remembering(registry, path).directory;
    await registry.register(a);
    first.view(name);
    await shows(first, ["a"]);
    await first.close();
    await writeFile(join(path, `${name}.json`), '[{ "id": 7 }]');
    registry.down = true;
    const { directory, log } = remembering(registry, path);
    directory.view(name);
    await eventually(() => log.lines.some(({ message }) => message.includes("cannot be read")));
    assert.deepEqual(ids(directory), []);
    await directory.close();
  });
});
