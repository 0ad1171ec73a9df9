import assert from "node:assert/strict";
import { it } from "node:test";
import type { Plugin } from "@mortise/kernel";
import { type AppOptions, Echo, echoService, eventually, testApp } from "@mortise/kernel/testing";
import { failfast } from "@mortise/plugins/cluster/failfast/failfast";
import { failover } from "@mortise/plugins/cluster/failover/failover";
import { deadline } from "@mortise/plugins/filter/deadline/deadline";
import { metrics } from "@mortise/plugins/filter/metrics/metrics";
import { tracing } from "@mortise/plugins/filter/tracing/tracing";
import { validate } from "@mortise/plugins/filter/validate/validate";
import { consistentHash } from "@mortise/plugins/loadbalancer/consistent-hash/consistent-hash";
import { leastActive } from "@mortise/plugins/loadbalancer/least-active/least-active";
import { p2c } from "@mortise/plugins/loadbalancer/p2c/p2c";
import { random } from "@mortise/plugins/loadbalancer/random/random";
import { roundRobin } from "@mortise/plugins/loadbalancer/round-robin/round-robin";
import { off } from "@mortise/plugins/tracer/off/off";
import { ring } from "@mortise/plugins/tracer/ring/ring";
import { memory } from "@mortise/telemetry/memory/memory";

const balancers: readonly Plugin[] = [random, roundRobin, leastActive, consistentHash, p2c];
const plugins: readonly Plugin[] = [
  ...balancers,
  failover,
  failfast,
  tracing,
  metrics,
  deadline,
  validate,
  ring,
  off,
  memory,
  echoService(),
];

const use = { cluster: "failover", filter: ["default"], tracer: "ring", telemetry: "memory", loadbalancer: "random" };

/** Every balancer, cluster, tracer and set of filters, and options that restart one. */
const settings: readonly AppOptions[] = [
  ...balancers.map(({ name }) => ({ plugins, use: { ...use, loadbalancer: name } })),
  { plugins, use: { ...use, cluster: "failfast" } },
  { plugins, use: { ...use, tracer: "off", filter: ["tracing", "deadline"] } },
  { plugins, use: { ...use, filter: ["default", "-metrics"] } },
  { plugins, use: { ...use, filter: [] } },
  { plugins, use, options: { "tracer/ring": { ratio: 0.5 }, "filter/metrics": { places: ["attempt"] } } },
  { plugins, use, policies: { "*": { timeoutMs: 3000, validate: { text: { maxLength: 9 } } } } },
  { plugins, use: { ...use, loadbalancer: ["p2c", "random"] }, policies: { "*": { loadbalancer: "random" } } },
];

const note = {
  text: "short",
  number: 1n,
  share: 1,
  flag: true,
  data: new Uint8Array(),
  mood: 1,
  tags: [],
  labels: new Map<string, number>(),
};

it("no call fails while every strategy of a call is swapped for every other under load", async () => {
  await using app = await testApp({ plugins, use });
  const echo = app.clients.client(Echo);
  const errors: unknown[] = [];
  let calls = 0;
  let over = false;
  const worker = async () => {
    while (!over) {
      const { text } = await echo.echo(note).catch((error: unknown) => {
        errors.push(error);
        return note;
      });
      assert.equal(text, note.text);
      if (++calls % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const workers = Array.from({ length: 32 }, worker);
  for (const setting of [...settings, ...settings.toReversed()]) {
    const from = calls;
    const { settled } = await app.become(setting);
    await eventually(() => calls >= from + 1000);
    await settled;
  }
  over = true;
  await Promise.all(workers);
  assert.deepEqual(errors, []);
  assert.ok(calls > 10_000, `${calls} calls`);
});
