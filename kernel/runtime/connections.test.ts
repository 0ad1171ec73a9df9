import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Instance } from "../spi/instance.ts";
import type { Connection, Protocol } from "../spi/protocol.ts";
import { keptLog } from "../testing/logs.ts";
import { Sample, sampleInstance } from "../testing/samples.ts";
import { virtualPorts } from "../testing/virtual-ports.ts";
import { connectionsTo } from "./connections.ts";
import { KnownService } from "./service-view.ts";

/** A protocol that only tells what is done with its connections. */
function telling(told: string[], fails = false): Protocol {
  return {
    kinds: [],
    listen: () => assert.fail("nobody listens"),
    connect: ({ id }): Connection => {
      told.push(`open ${id}`);
      return {
        invoker: () => assert.fail("nobody calls"),
        async close(graceMs) {
          told.push(`close ${id} within ${graceMs}`);
          if (fails) throw new Error("stuck");
        },
      };
    },
  };
}

function known(...ids: string[]) {
  const view = new KnownService(Sample.name, { believeEmptyAfterMs: 0 }, virtualPorts().timers);
  view.hear(ids.map((id) => sampleInstance(id)));
  const instance = (id: string) => view.instances.find((one) => one.id === id) as Instance;
  return { view, instance };
}

describe("the connections to a service", () => {
  it("are opened on first use and kept while their instance is there", () => {
    const told: string[] = [];
    const { view, instance } = known("a", "b");
    const protocol = telling(told);
    const connections = connectionsTo(view, 50, keptLog());
    assert.equal(connections.to(instance("a"), protocol), connections.to(instance("a"), protocol));
    view.hear([...view.instances, sampleInstance("c")]);
    connections.to(instance("a"), protocol);
    assert.deepEqual(told, ["open a"]);
  });

  it("are closed with grace when their instance is gone or has changed", () => {
    const told: string[] = [];
    const { view, instance } = known("a", "b");
    const protocol = telling(told);
    const connections = connectionsTo(view, 50, keptLog());
    for (const id of ["a", "b"]) connections.to(instance(id), protocol);
    view.hear([instance("a"), sampleInstance("b", { address: "elsewhere" })]);
    assert.deepEqual(told, ["open a", "open b", "close b within 50"]);
    connections.to(instance("b"), protocol);
    assert.equal(told.at(-1), "open b");
  });

  it("are closed when their protocol serves no longer, and all at the end", async () => {
    const told: string[] = [];
    const { view, instance } = known("a");
    const [before, after] = [telling(told), telling(told)];
    const connections = connectionsTo(view, 50, keptLog());
    connections.to(instance("a"), before);
    connections.to(instance("a"), after);
    await connections.keepOnly(new Set([after]));
    assert.deepEqual(told, ["open a", "open a", "close a within 50"]);
    await connections.close();
    assert.equal(told.length, 4);
    view.hear([]);
    assert.equal(told.length, 4, "it hears of no change any more");
  });

  it("that do not close are told in the log", async () => {
    const log = keptLog();
    const { view, instance } = known("a");
    const connections = connectionsTo(view, 50, log);
    connections.to(instance("a"), telling([], true));
    await connections.close();
    assert.match(
      log.lines[0]?.message ?? "",
      /the connection to mortise\.sample\.v1\.Sample at 127\.0\.0\.1:a did not close/,
    );
  });
});
