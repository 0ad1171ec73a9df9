import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { callContext } from "../call/call-context.ts";
import { defineService } from "../spi/define-service.ts";
import { type Filter, filter } from "../spi/filter.ts";
import { protocol } from "../spi/protocol.ts";
import { type Client, client } from "../spi/runtime.ts";
import { memoryProtocol } from "../testing/app/memory-protocol.ts";
import { Echo } from "../testing/echo-contract.ts";
import { echoEvents } from "../testing/echo-service.ts";
import { eventually } from "../testing/eventually.ts";
import { Sample, SampleTopic } from "../testing/samples.ts";
import { bareService, echoOffer, echoService, given, surroundings, testApp } from "../testing/test-app.ts";

describe("starting", () => {
  it("does not wait for a registry that is down, and registers when it is back", async () => {
    const around = surroundings();
    around.registry.down = true;
    const options = { "server/runtime": { registerWaitMs: 20, registerRetryMs: 20 } };
    await using app = await testApp({ around, plugins: [echoService()], options });
    assert.deepEqual(around.registry.table.services(), []);
    around.registry.down = false;
    await eventually(() => around.registry.table.services().length === 1);
    assert.ok(app.log.lines.some(({ message }) => /mortise\.testing\.v1\.Echo cannot be registered/.test(message)));
  });

  it("calls services it knew of while the registry is down", async () => {
    const folder = await mkdtemp(join(tmpdir(), "mortise-app-"));
    const options = { "directory/registry": { cacheDir: folder } };
    try {
      const around = surroundings();
      await using server = await testApp({ around, plugins: [echoService()] });
      const before = await testApp({ around, options });
      await before.clients.client(Echo).bytes({ size: 1 });
      await before.stop();
      around.registry.down = true;
      await using after = await testApp({ around, options });
      assert.equal((await after.clients.client(Echo).bytes({ size: 2 })).data.length, 2);
      assert.ok(server);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("gives up when a filter cannot be compiled, and leaves nothing behind", async () => {
    const around = surroundings();
    const bad: Filter = {
      wrap: ({ place }) => {
        if (place === "provider") throw new Error("this filter needs a colour");
        return undefined;
      },
    };
    const starting = testApp({ around, plugins: [echoService(), given(filter, "bad", bad)], use: { filter: ["bad"] } });
    await assert.rejects(
      starting,
      /server\/runtime failed to start: mortise\.testing\.v1\.Echo\/Echo cannot be served: this filter needs a colour/,
    );
    assert.deepEqual([around.hub.size, around.registry.table.services()], [0, []]);
  });

  it("gives up when a door cannot be opened, and leaves nothing behind", async () => {
    const around = surroundings();
    const closed = bareService("door", {
      offers: [echoOffer()],
      ready: () => Promise.reject(new Error("port 80 is taken")),
    });
    await assert.rejects(testApp({ around, plugins: [closed] }), /port 80 is taken/);
    assert.deepEqual([around.hub.size, around.registry.table.services()], [0, []]);
  });

  it("refuses methods that no selected protocol carries", async () => {
    const around = surroundings();
    const bare = given(protocol, "bare", memoryProtocol({ hub: around.hub, kinds: ["unary", "server-stream"] }));
    const starting = testApp({ around, plugins: [echoService(), bare], use: { protocol: "bare" } });
    await assert.rejects(starting, (error: Error) => {
      assert.match(
        error.message,
        /service\/echo: no selected protocol \(bare\) carries mortise\.testing\.v1\.Echo\/Sum, a client-stream method/,
      );
      assert.match(error.message, /Echo\/Chat, a bidi-stream method/);
      return true;
    });
  });

  it("does not listen where there is nothing to offer", async () => {
    await using app = await testApp({ use: { server: "runtime" } });
    assert.equal(app.around.hub.size, 0);
  });
});

/** A door to the outside: its requests are calls of the test service, until it is closed. */
function door(steps: string[]) {
  let echo: Client<typeof Echo> | undefined;
  let open = true;
  const inside = new Set<Promise<unknown>>();
  const plugin = defineService(Sample, {
    name: "door",
    description: "A door to the outside",
    needs: { echo: client(Echo) },
    setup: ({ deps }) => {
      echo = deps.echo;
      return {
        handlers: {
          read: async () => ({ text: "" }),
          write: async () => ({ text: "" }),
          async *watch() {},
          load: async () => ({ text: "" }),
          async *chat() {},
        },
        closing: async () => {
          open = false;
          await Promise.all(inside);
          steps.push("the door is closed and empty");
        },
      };
    },
  });
  const enter = () => {
    if (!open || !echo) throw new Error("the door is closed");
    const request = echo.sleep({ ms: 30 }, callContext({ timeoutMs: 5000 }));
    inside.add(request);
    return request;
  };
  return { plugin, enter };
}

describe("stopping", () => {
  it("fails no request that came in through a door, nor what it calls", async () => {
    const steps: string[] = [];
    const { plugin, enter } = door(steps);
    const app = await testApp({ plugins: [plugin, echoService()] });
    const requests = Array.from({ length: 50 }, enter);
    const stopping = app.stop();
    assert.equal((await Promise.allSettled(requests)).filter(({ status }) => status === "rejected").length, 0);
    await stopping;
    assert.deepEqual(steps, ["the door is closed and empty"]);
    assert.throws(enter, /the door is closed/);
  });

  it("lets a request in flight call services of the same process to its end", async () => {
    const events = echoEvents();
    const outer = defineService(Sample, {
      name: "outer",
      description: "Calls the test service twice",
      needs: { echo: client(Echo) },
      setup: ({ deps }) => ({
        handlers: {
          read: async (_, call) => {
            await deps.echo.sleep({ ms: 50 }, call);
            return { text: `${(await deps.echo.bytes({ size: 3 }, call)).data.length}` };
          },
          write: async () => ({ text: "" }),
          async *watch() {},
          load: async () => ({ text: "" }),
          async *chat() {},
        },
      }),
    });
    const app = await testApp({ plugins: [outer, echoService(events)] });
    const reading = app.clients.client(Sample).read({ key: "", number: 0 });
    await eventually(() => events.begun === 1);
    const stopping = app.stop();
    assert.equal((await reading).text, "3");
    await stopping;
  });

  it("waits no longer than its grace for a request that never ends", async () => {
    const events = echoEvents();
    const app = await testApp({
      plugins: [echoService(events)],
      options: { "server/runtime": { graceMs: 60 }, "clients/runtime": { graceMs: 60 } },
    });
    const sleeping = app.clients.client(Echo).sleep({ ms: -1 });
    sleeping.catch(() => undefined);
    await eventually(() => events.begun === 1);
    const began = performance.now();
    await app.stop();
    assert.ok(performance.now() - began < 8000);
  });
});

describe("an event", () => {
  const listener = (heard: unknown[], fails = 0) => {
    let left = fails;
    return defineService(Echo, {
      name: "listener",
      description: "Listens",
      topics: { happened: SampleTopic },
      setup: () => ({
        handlers: echoOffer().handlers as never,
        on: {
          happened: async (event, { id, attempt, trace, deadline }) => {
            heard.push([event.key, event.number, id, attempt, trace?.traceId, deadline]);
            if (left-- > 0) throw new Error("secret mistake");
          },
        },
      }),
    });
  };

  it("passes call filters where it is published and provider filters where it is delivered", async () => {
    const passed: string[] = [];
    const api: Filter = {
      wrap:
        ({ place, method }) =>
        (next) =>
        (call) => {
          passed.push(`${place} ${method.kind} ${method.path}`);
          return next(call);
        },
    };
    const heard: unknown[] = [];
    await using app = await testApp({
      plugins: [listener(heard), given(filter, "seen", api)],
      use: { filter: ["seen"] },
    });
    const trace = { traceId: "a".repeat(32), spanId: "b".repeat(16), sampled: true, state: "" };
    const context = callContext({ trace, timeoutMs: 1000 });
    await app.clients.publisher(SampleTopic)({ key: "k", number: 1 }, context, { id: "e" });
    await eventually(() => heard.length === 1);
    assert.deepEqual(
      heard,
      [["k", 1, "e", 1, trace.traceId, Number.POSITIVE_INFINITY]],
      "the deadline ends with the publishing",
    );
    assert.deepEqual(passed, ["call event mortise.sample.v1/Happened", "provider event mortise.sample.v1/Happened"]);
  });

  it("comes again when its handler fails, whose mistake is told by an id and only the log knows more", async () => {
    const heard: unknown[] = [];
    await using app = await testApp({ plugins: [listener(heard, 9)] });
    await app.clients.publisher(SampleTopic)({ key: "k", number: 1 }, undefined, { id: "e" });
    await eventually(() => app.around.bus.given.length === 1);
    assert.deepEqual(
      heard.map((one) => (one as unknown[])[3]),
      [1, 2, 3],
    );
    assert.doesNotMatch(app.around.bus.given[0]?.error ?? "", /secret/);
    assert.ok(app.log.lines.some(({ fields }) => /secret/.test(String(fields.error))));
  });

  it("is not taken when it cannot be read", async () => {
    const heard: unknown[] = [];
    await using app = await testApp({ plugins: [listener(heard)] });
    const { bus } = app.around;
    await bus.publish(SampleTopic.name, { id: "1", body: new Uint8Array([255]), headers: {} });
    await bus.publish(SampleTopic.name, { id: "2", body: new Uint8Array(), headers: { "content-type": "text/x" } });
    await eventually(() => bus.given.length === 2);
    assert.match(
      bus.given.map(({ error }) => error).join(),
      /encoded as text\/x, and no serializer for that is selected/,
    );
    assert.deepEqual(heard, []);
  });

  it("is taken from another publisher whose headers are odd", async () => {
    const heard: unknown[] = [];
    await using app = await testApp({ plugins: [listener(heard)] });
    const headers = { "Bad Name!": "x", Traceparent: "nonsense", "raw-bin": "text", odd: "\u00e4", ok: "1" };
    await app.around.bus.publish(SampleTopic.name, { id: "1", body: new Uint8Array(), headers });
    await eventually(() => heard.length === 1);
  });

  it("goes on being handled by a service that is replaced", async () => {
    const heard: unknown[] = [];
    await using app = await testApp({ plugins: [listener(heard)] });
    const publish = app.clients.publisher(SampleTopic);
    for (let n = 0; n < 5; n++) {
      await (await app.become({ plugins: [listener(heard)] })).settled;
      await publish({ key: "k", number: n });
      await eventually(() => heard.length === n + 1);
    }
    await (await app.become({ plugins: [echoService()] })).settled;
    assert.equal(app.around.bus.members(SampleTopic.name), 0, "nobody listens any more");
  });
});
