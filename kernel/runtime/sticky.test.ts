import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Instance } from "../spi/instance.ts";
import type { Outcome, Picker } from "../spi/loadbalancer.ts";
import { turningBalancer } from "../testing/app/simple-plugins.ts";
import { Echo } from "../testing/echo-contract.ts";
import { echoEvents } from "../testing/echo-service.ts";
import { sampleInstance, sampleSite } from "../testing/samples.ts";
import { echoService, surroundings, testApp } from "../testing/test-app.ts";
import { stickyPicker } from "./sticky.ts";

const call = {} as never;
const ok: Outcome = { tookMs: 1, code: "OK" };
const list = (...ids: string[]): readonly Instance[] => Object.freeze(ids.map((id) => sampleInstance(id)));
const turning = () => turningBalancer().picker(sampleSite());

describe("a sticky picker", () => {
  it("stays with the instance of the first pick", () => {
    const candidates = list("a", "b", "c");
    const picker = stickyPicker(turning(), { instance: undefined });
    const picks = Array.from({ length: 9 }, () => picker.pick(candidates, call).instance.id);
    assert.deepEqual(new Set(picks), new Set(["a"]));
  });

  it("moves when its instance is gone or was tried by this call, and stays with the next one", () => {
    const candidates = list("a", "b", "c");
    const picker = stickyPicker(turning(), { instance: undefined });
    const first = picker.pick(candidates, call).instance;
    const others = Object.freeze(candidates.filter((one) => one !== first));
    const second = picker.pick(others, call).instance;
    assert.notEqual(second, first);
    assert.equal(picker.pick(candidates, call).instance, second);
  });

  it("lets go of an instance that could not be reached, and of no other for that", () => {
    const candidates = list("a", "b");
    const picker = stickyPicker(turning(), { instance: undefined });
    const first = picker.pick(candidates, call);
    first.done({ tookMs: 1, code: "UNAVAILABLE" });
    const second = picker.pick(candidates, call);
    first.done({ tookMs: 1, code: "UNAVAILABLE" });
    second.done({ tookMs: 1, code: "NOT_FOUND" });
    assert.equal(picker.pick(candidates, call).instance, second.instance);
  });

  it("tells the balancer of every call, and gives out the same object where the balancer does", () => {
    const told: (readonly string[])[] = [];
    let done = 0;
    const candidates = list("a", "b");
    const known = new Map(candidates.map((instance) => [instance, { instance, done: () => void done++ }]));
    const inner: Picker = {
      asks: { "x-report": "1" },
      pick(given) {
        told.push(given.map(({ id }) => id));
        return known.get(given[0] as Instance) ?? assert.fail();
      },
    };
    const picker = stickyPicker(inner, { instance: undefined });
    assert.deepEqual(picker.asks, { "x-report": "1" });
    const picks = Array.from({ length: 5 }, () => picker.pick(candidates, call));
    for (const picked of picks) picked.done(ok);
    assert.deepEqual(told, [["a", "b"], ["a"], ["a"], ["a"], ["a"]]);
    assert.equal(done, 5);
    assert.equal(new Set(picks).size, 1);
  });
});

describe("the policy field sticky", () => {
  const sharesWith = async (policies: Record<string, Record<string, unknown>>) => {
    const around = surroundings();
    const events = [echoEvents(), echoEvents()] as const;
    await using one = await testApp({ around, plugins: [echoService(events[0])] });
    await using two = await testApp({ around, plugins: [echoService(events[1])] });
    await using app = await testApp({ around, policies });
    const echo = app.clients.client(Echo);
    for (let i = 0; i < 6; i++) {
      await echo.whoami({});
      await echo.bytes({ size: 1 });
    }
    assert.ok(one && two);
    return events.map(({ begun }) => begun).sort();
  };

  it("keeps all methods of a service it is set for with one instance", async () => {
    assert.deepEqual(await sharesWith({ [Echo.name]: { sticky: true } }), [0, 12]);
  });

  it("is off unless it is set, and can be set for one method", async () => {
    assert.deepEqual(await sharesWith({}), [6, 6]);
    assert.deepEqual(await sharesWith({ [`${Echo.name}/bytes`]: { sticky: true } }), [3, 9]);
  });
});
