import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  callContext,
  type Invoker,
  type MetricsSource,
  noMetadata,
  StatusError,
  type Telemetry,
} from "@mortise/kernel";
import { filterConformance } from "@mortise/kernel/spi/filter.conformance";
import { Sample, sampleCall, sampleSite, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { attachments } from "./attachments.ts";
import { counters } from "./counters.ts";
import { boundsMs, bucketOf } from "./histogram.ts";
import { metricsFilter } from "./metrics-filter.ts";

const options = { places: ["call", "provider"] } as const;

filterConformance({
  name: "metrics",
  make: () => ({
    subject: ({ clock }) => metricsFilter({ places: ["call", "attempt", "provider"] }, counters(), clock),
  }),
});

function counted(
  end: (ports: ReturnType<typeof virtualPorts>) => Invoker,
  method: typeof Sample.methods.read | typeof Sample.methods.watch = Sample.methods.read,
) {
  const ports = virtualPorts();
  const source = counters();
  const invoke = metricsFilter(options, source, ports.clock).wrap(sampleSite({ method }))?.(end(ports)) as Invoker;
  return { ports, source, call: () => invoke(sampleCall(callContext({}, ports), { method })) };
}

const reply = { response: {}, headers: noMetadata, trailers: () => noMetadata };

describe("filter/metrics", () => {
  it("counts calls by status, sums their time and fills the histogram", async () => {
    let number = 0;
    const { ports, source, call } = counted((ports) => async () => {
      await ports.timers.sleep(10);
      if (number++ % 4 === 3) throw new StatusError("NOT_FOUND", "no");
      return reply;
    });
    for (let i = 0; i < 8; i++) await ports.settle(call().catch(() => undefined));
    const [read, ...others] = source.read();
    assert.deepEqual(others, []);
    assert.ok(read);
    const { outcomes, ...rest } = read;
    assert.deepEqual(rest, { method: "mortise.sample.v1.Sample/Read", kind: "unary", place: "call", inFlight: 0 });
    assert.deepEqual(
      outcomes.map(({ code, count, totalMs, buckets }) => ({
        code,
        count,
        totalMs,
        size: buckets.length,
        filled: buckets.flatMap((inside, i) => (inside > 0 ? [[i, inside]] : [])),
      })),
      [
        { code: "OK", count: 6, totalMs: 60, size: boundsMs.length + 1, filled: [[bucketOf(10), 6]] },
        { code: "NOT_FOUND", count: 2, totalMs: 20, size: boundsMs.length + 1, filled: [[bucketOf(10), 2]] },
      ],
    );
  });

  it("counts what is under way", async () => {
    const { ports, source, call } = counted((ports) => () => ports.timers.sleep(10).then(() => reply));
    const calls = [call(), call()];
    assert.equal(source.read()[0]?.inFlight, 2);
    await ports.settle(Promise.all(calls));
    assert.equal(source.read()[0]?.inFlight, 0);
  });

  it("counts a stream when it is over, by how it ended", async () => {
    const { ports, source, call } = counted(
      (ports) => async () => ({
        ...reply,
        response: (async function* () {
          yield 1;
          await ports.timers.sleep(40);
          throw new StatusError("DATA_LOSS", "gone");
        })(),
      }),
      Sample.methods.watch,
    );
    const { response } = await call();
    assert.equal(source.read()[0]?.inFlight, 1);
    const read = async () => {
      for await (const one of response as AsyncIterable<unknown>) assert.equal(one, 1);
    };
    await assert.rejects(ports.settle(read()));
    const { inFlight, outcomes = [] } = source.read()[0] ?? {};
    assert.deepEqual(
      [inFlight, outcomes.map(({ code, count, totalMs }) => ({ code, count, totalMs }))],
      [0, [{ code: "DATA_LOSS", count: 1, totalMs: 40 }]],
    );
  });

  it("goes on with the same numbers when a path is compiled anew", () => {
    const source = counters();
    assert.equal(source.of(Sample.methods.read, "call"), source.of(Sample.methods.read, "call"));
    assert.notEqual(source.of(Sample.methods.read, "call"), source.of(Sample.methods.read, "provider"));
  });

  it("stands only where it is told to", () => {
    const filter = metricsFilter(options, counters(), virtualPorts().clock);
    assert.equal(filter.wrap(sampleSite({ place: "attempt" })), undefined);
  });

  it("is read by the telemetry plugins there are", () => {
    const readers = new Set<string>();
    const reader = (name: string): Telemetry => ({
      metrics(_source: MetricsSource) {
        readers.add(name);
        return () => readers.delete(name);
      },
    });
    const [one, two] = [reader("one"), reader("two")];
    const source = counters();
    const attached = attachments((receiver) => receiver.metrics?.(source));
    for (const [receivers, expected] of [
      [[one, {}], ["one"]],
      [
        [one, two],
        ["one", "two"],
      ],
      [[two], ["two"]],
      [[], []],
    ] as const) {
      attached.attachTo(receivers);
      assert.deepEqual([...readers], expected);
    }
  });
});

describe("the histogram", () => {
  it("puts every duration below the bound of its bucket and not below the one before", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.double({ min: 0, max: 200_000, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
        (ms) => {
          const bucket = bucketOf(ms);
          assert.ok(ms < (boundsMs[bucket] ?? Number.POSITIVE_INFINITY), `${ms} in ${bucket}`);
          assert.ok(ms >= (boundsMs[bucket - 1] ?? 0), `${ms} in ${bucket}`);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("has bounds that grow by a quarter at most, from a microsecond to two minutes", () => {
    assert.ok((boundsMs[0] ?? 1) < 0.001 && (boundsMs.at(-1) ?? 0) > 120_000);
    for (let i = 4; i < boundsMs.length; i++) {
      const growth = (boundsMs[i] ?? 0) / (boundsMs[i - 1] ?? 1);
      assert.ok(growth > 1 && growth <= 1.25 + 1e-9);
    }
  });

  it("takes a negative duration, as a clock may give, for none and an endless one for the longest", () => {
    assert.deepEqual([bucketOf(-1), bucketOf(Number.POSITIVE_INFINITY)], [0, boundsMs.length]);
  });
});
