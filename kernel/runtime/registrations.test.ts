import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Registry } from "../spi/registry.ts";
import { tableRegistry } from "../testing/app/table-registry.ts";
import { keptLog } from "../testing/logs.ts";
import { Sample, sampleInstance } from "../testing/samples.ts";
import { virtualPorts } from "../testing/virtual-ports.ts";
import { registrations } from "./registrations.ts";

const { name } = Sample;
const a = sampleInstance("a");

function made() {
  const ports = virtualPorts();
  const log = keptLog();
  return { ports, log, kept: registrations({ retryMs: 1000, waitMs: 5000 }, ports.timers, log) };
}

const ids = (registry: ReturnType<typeof tableRegistry>) => registry.table.snapshot(name).map(({ id }) => id);

describe("registrations", () => {
  it("are made once per instance and registry, and taken back", async () => {
    const { kept } = made();
    const registry = tableRegistry();
    await kept.add(registry, a);
    const snapshot = registry.table.snapshot(name);
    await kept.add(registry, { ...a });
    assert.equal(registry.table.snapshot(name), snapshot);
    await kept.select(() => true).withdraw();
    assert.deepEqual(ids(registry), []);
  });

  it("are replaced by one with the same id", async () => {
    const { kept } = made();
    const registry = tableRegistry();
    await kept.add(registry, a);
    await kept.add(registry, { ...a, address: "elsewhere" });
    assert.deepEqual(
      registry.table.snapshot(name).map(({ address }) => address),
      ["elsewhere"],
    );
    await kept.select(() => true).withdraw();
    assert.deepEqual(ids(registry), []);
  });

  it("are tried again while the registry is down, and a start waits only so long", async () => {
    const { ports, log, kept } = made();
    const registry = tableRegistry();
    registry.down = true;
    await ports.settle(kept.add(registry, a), 5000);
    registry.down = false;
    await ports.advance(1000);
    assert.deepEqual(ids(registry), ["a"]);
    assert.equal(log.lines.filter(({ level }) => level === "warn").length, 1);
  });

  it("that come through after they are no longer wanted are taken back", async () => {
    const { ports, kept } = made();
    const registry = tableRegistry();
    const late = Promise.withResolvers<void>();
    const slow: Registry = {
      ...registry,
      register: (instance) => late.promise.then(() => registry.register(instance)),
    };
    await ports.settle(kept.add(slow, a), 5000);
    await kept.select(() => true).withdraw();
    late.resolve();
    await ports.advance(0);
    assert.deepEqual(ids(registry), []);
  });

  it("that cannot be taken back are told in the log", async () => {
    const { log, kept } = made();
    const stuck: Registry = {
      ...tableRegistry(),
      register: async () => ({ withdraw: () => Promise.reject(new Error("gone")) }),
    };
    await kept.add(stuck, a);
    await kept.select(() => true).withdraw();
    assert.match(log.lines[0]?.message ?? "", /cannot be taken back/);
  });
});
