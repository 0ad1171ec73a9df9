import assert from "node:assert/strict";
import { callContext } from "../call/call-context.ts";
import type { TopicType } from "../contract/types.ts";
import type { Plugin } from "../core/plugin.ts";
import { conformance } from "../testing/conformance.ts";
import { Echo } from "../testing/echo-contract.ts";
import { echoEvents } from "../testing/echo-service.ts";
import { eventually } from "../testing/eventually.ts";
import { Sample, SampleTopic } from "../testing/samples.ts";
import {
  bareService,
  echoOffer,
  echoService,
  type Surroundings,
  surroundings,
  type TestApp,
  testApp,
} from "../testing/test-app.ts";
import { defineService } from "./define-service.ts";
import { server } from "./server.ts";

type Start = (plugins: readonly Plugin[], around?: Surroundings) => Promise<TestApp>;

const law = (law: string, check: (start: Start) => Promise<void>) => ({
  law,
  async check(plugin: Plugin) {
    const apps: TestApp[] = [];
    const start: Start = async (plugins, around = surroundings()) => {
      const app = await testApp({
        around,
        plugins: [plugin, ...plugins],
        use: { server: plugin.name, protocol: ["memory", "other"] },
      });
      apps.push(app);
      return app;
    };
    try {
      await check(start);
    } finally {
      for (const app of apps) await app.stop();
    }
  },
});

const registered = ({ around }: TestApp) => around.registry.table.snapshot(Echo.name);

/** What every server keeps to; its plugin is run in an app of its own. */
export const serverConformance = conformance<Plugin>("server", [
  law("registers every service once per protocol, and takes that back when it stops", async (start) => {
    const app = await start([echoService()]);
    const instances = registered(app);
    assert.deepEqual(instances.map(({ protocol }) => protocol).sort(), ["memory", "other"]);
    assert.equal(new Set(instances.map(({ id }) => id)).size, 2);
    for (const instance of instances) {
      assert.deepEqual([instance.service, instance.weight, instance.serializers], [Echo.name, 100, ["protobuf"]]);
      assert.ok(instance.startedAt > 0);
    }
    await app.stop();
    assert.deepEqual(registered(app), []);
    assert.equal(app.around.hub.size, 0, "nobody listens any more");
  }),
  law("says where it can be called and what it offers", async (start) => {
    const api = (await start([echoService()])).kernel.get(server);
    assert.deepEqual(api.services, [Echo.name]);
    assert.deepEqual(
      api.endpoints.map(({ protocol }) => protocol),
      ["memory", "other"],
    );
  }),
  law("refuses to start with a method that nobody handles", async (start) => {
    const lacking = defineService(Sample, {
      description: "Lacks handlers",
      setup: () => ({ handlers: { read: () => ({ text: "" }), wacth: () => undefined } as never }),
    });
    await assert.rejects(start([lacking]), (error: Error) => {
      assert.match(error.message, /service\/sample has no handler for write of mortise\.sample\.v1\.Sample/);
      assert.match(error.message, /a handler "wacth", which .* does not declare\. Did you mean watch\?/);
      return true;
    });
  }),
  law("refuses to start with two services of one contract", async (start) => {
    const two = start([echoService(), echoService(echoEvents(), "again")]);
    await assert.rejects(two, /service\/again offers mortise\.testing\.v1\.Echo, which service\/echo offers already/);
  }),
  law("opens doors when everything can be called, and closes them while it still can", async (start) => {
    const steps: string[] = [];
    const around = surroundings();
    const listed = () => around.registry.table.snapshot(Echo.name).length;
    const parts = {
      offers: [echoOffer()],
      ready: () => void steps.push(`ready with ${listed()} registered`),
      closing: () => void steps.push(`closing with ${listed()} registered`),
    };
    const app = await start([bareService("echo", parts, () => steps.push("stop"))], around);
    await app.stop();
    assert.deepEqual(steps, ["ready with 2 registered", "closing with 2 registered", "stop"]);
  }),
  law("lets requests in flight finish when it stops, with all they need", async (start) => {
    const events = echoEvents();
    const app = await start([echoService(events)]);
    const echo = app.clients.client(Echo);
    const sleeping = echo.sleep({ ms: 80 });
    await eventually(() => events.begun === 1);
    await app.stop();
    await sleeping;
    assert.deepEqual(events.cancelled, []);
  }),
  law("gives events to the services that listen, once per service, with their id and context", async (start) => {
    const heard: unknown[] = [];
    const listener = (name: string) =>
      bareService(name, {
        listens: [
          {
            topic: SampleTopic as TopicType,
            handler: async ({ number }: { readonly number: number }, { id, tenant, attempt }) => {
              heard.push([name, number, id, tenant, attempt]);
            },
          },
        ],
      });
    const app = await start([listener("one"), listener("two")]);
    await app.clients.publisher(SampleTopic)({ key: "k", number: 7 }, callContext({ tenant: "t" }), { id: "e" });
    await eventually(() => heard.length === 2);
    assert.deepEqual(
      heard.sort((a, b) => (String(a) < String(b) ? -1 : 1)),
      [
        ["one", 7, "e", "t", 1],
        ["two", 7, "e", "t", 1],
      ],
    );
  }),
]);
