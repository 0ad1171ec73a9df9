import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { callContext, type Instance, noMetadata, StatusError } from "@mortise/kernel";
import {
  bool,
  bytes,
  Duration,
  field,
  int32,
  int64,
  map,
  message,
  oneof,
  repeated,
  string,
  Timestamp,
} from "@mortise/kernel/contract";
import { clusterConformance } from "@mortise/kernel/spi/cluster.conformance";
import {
  keptLog,
  Sample,
  sampleCall,
  sampleInstance,
  sampleSite,
  scriptedGroup,
  silentLog,
  virtualPorts,
} from "@mortise/kernel/testing";
import fc from "fast-check";
import { grouping } from "./groups.ts";
import { mergeable } from "./mergeable.ts";
import { mergeableCluster } from "./mergeable-cluster.ts";
import { mergeOf, mergers } from "./mergers.ts";

const everybody = "every group is meant to do it";

clusterConformance({
  name: "mergeable",
  make: () => ({ subject: () => mergeableCluster(silentLog) }),
  deviations: [
    { law: "does not repeat what may have been done, unless the method is idempotent", reason: everybody },
    { law: "does not repeat what was answered with a refusal", reason: everybody },
    {
      law: "reads a stream of requests once, though the attempt says nothing was sent",
      reason: "it refuses methods with a stream of requests, which cannot be sent to several groups",
    },
  ],
});

const Part = message("test.v1.Part", { name: string(1), count: int32(2) });
const All: ReturnType<typeof allFields> = allFields();

function allFields() {
  return message("test.v1.All", {
    items: repeated(string(1)),
    stock: map("string", int64(2)),
    labels: map("string", string(3)),
    total: int64(4),
    flag: bool(5),
    cheapest: int32(6),
    since: field(7, Timestamp),
    took: field(8, Duration),
    part: field(9, Part),
    data: bytes(10),
    choice: oneof({ text: string(11), number: int32(12) }),
  });
}

const tagged = (id: string, shard: string, zone = ""): Instance => sampleInstance(id, { tags: { shard }, zone });

interface Trial {
  readonly instances: readonly Instance[];
  readonly fields?: Record<string, unknown>;
  readonly failing?: readonly string[];
  readonly method?: (typeof Sample.methods)[keyof typeof Sample.methods];
}

async function run({ instances, fields = {}, failing = [], method = Sample.methods.read }: Trial) {
  const ports = virtualPorts();
  const log = keptLog();
  const script = (_: number, { id }: Instance) => ({
    tookMs: 10,
    ...(failing.includes(id) && { error: new StatusError("INTERNAL", `${id} failed`) }),
  });
  const group = scriptedGroup(Object.freeze([...instances]), script, ports);
  const invoke = mergeableCluster(log).invoker(sampleSite({ method, policy: { fields } }), group);
  const reply = invoke(sampleCall(callContext({ timeoutMs: 1000 }, ports), { method }));
  await ports.settle(reply.catch(() => undefined));
  return { reply, made: group.made, log, at: ports.clock.now() };
}

describe("cluster/mergeable", () => {
  const four = [tagged("a", "1"), tagged("b", "1"), tagged("c", "2"), tagged("d", "2", "east")];

  it("calls every instance at the same time, or one of every group", async () => {
    const all = await run({ instances: four });
    assert.deepEqual([all.made.length, all.at], [4, 10]);
    const shards = await run({ instances: four, fields: { mergeBy: "tag.shard" } });
    assert.deepEqual(
      shards.made.map(({ candidates }) => candidates.map(({ id }) => id)),
      [
        ["a", "b"],
        ["c", "d"],
      ],
    );
    assert.equal((await run({ instances: four, fields: { mergeBy: "zone" } })).made.length, 2);
  });

  it("leaves out a group that fails and says so, and fails when all do", async () => {
    const { reply, log } = await run({ instances: four, failing: ["a", "b"], fields: { merger: { text: "last" } } });
    assert.deepEqual((await reply).response, { text: "d" });
    assert.deepEqual(
      log.lines.map(({ message }) => message),
      ["a", "b"].map((id) => `mortise.sample.v1.Sample/Read failed in instance ${id}, whose answer is left out`),
    );
    const none = await run({ instances: four, failing: ["a", "b", "c", "d"] });
    await assert.rejects(none.reply, { code: "INTERNAL" });
  });

  it("fails with the first group where all are asked for, and cancels the others", async () => {
    const { reply, made } = await run({ instances: four, failing: ["b"], fields: { mergeAll: true } });
    await assert.rejects(reply, { message: "b failed" });
    assert.equal(made[3]?.call.context.cancelled?.code, "CANCELLED");
  });

  it("asks a function of a module", async (t) => {
    const dir = await mkdtemp(join(tmpdir(), "mortise-merger-"));
    t.after(() => rm(dir, { recursive: true }));
    const file = join(dir, "mergers.mjs");
    await writeFile(file, "export const joined = (all) => ({ text: all.map(({ text }) => text).join('+') });");
    const { reply } = await run({ instances: four, fields: { merger: `${file}#joined` } });
    assert.deepEqual((await reply).response, { text: "a+b+c+d" });
    const none = await run({ instances: four, fields: { merger: `${file}#none` } });
    await assert.rejects(none.reply, /the merger of .* exports no function none/);
  });

  it("gives streams of answers one after the other, and closes the rest when the reader leaves", async () => {
    const ports = virtualPorts();
    const closed: string[] = [];
    async function* texts(id: string) {
      try {
        for (const text of [`${id}1`, `${id}2`]) yield { text };
      } finally {
        closed.push(id);
      }
    }
    const instances = [sampleInstance("a"), sampleInstance("b")];
    const method = Sample.methods.watch;
    const group = {
      candidates: () => instances,
      attempt: async (_: unknown, [one]: readonly Instance[]) => {
        const response = texts(one?.id ?? "");
        return { response, headers: noMetadata, trailers: () => noMetadata };
      },
    };
    const invoke = mergeableCluster(silentLog).invoker(sampleSite({ method }), group);
    const read = async (most: number) => {
      const { response } = await invoke(sampleCall(callContext({}, ports), { method }));
      const seen: string[] = [];
      for await (const { text } of response as AsyncIterable<{ text: string }>) if (seen.push(text) === most) break;
      return seen;
    };
    assert.deepEqual(await read(9), ["a1", "a2", "b1", "b2"]);
    assert.deepEqual(closed.splice(0), ["a", "b"]);
    assert.deepEqual(await read(1), ["a1"]);
    assert.deepEqual(closed, ["a"], "the other was never begun");
  });

  it("is the plugin cluster/mergeable", () => assert.equal(mergeable.id, "cluster/mergeable"));
});

it("groups divide the candidates, and are the same arrays for the same list", () => {
  const instances = fc.array(fc.record({ shard: fc.constantFrom("", "1", "2"), zone: fc.constantFrom("x", "y") }));
  fc.assert(
    fc.property(instances, fc.constantFrom("instance", "zone", "version", "tag.shard"), (all, by) => {
      const candidates = all.map(({ shard, zone }, i) => tagged(`${i}`, shard, zone));
      const group = grouping(by);
      const groups = group(candidates);
      assert.deepEqual(new Set(groups.flatMap(({ members }) => members)), new Set(candidates));
      assert.equal(groups.flatMap(({ members }) => members).length, candidates.length);
      assert.equal(group(candidates), groups);
    }),
  );
});

describe("merging messages", () => {
  const one = {
    items: ["x", "y"],
    stock: new Map([["x", 1n]]),
    labels: new Map([["k", "1"]]),
    total: 5n,
    flag: false,
    cheapest: 0,
    since: { seconds: 10n, nanos: 5 },
    part: { name: "", count: 3 },
    data: new Uint8Array(),
  };
  const two = {
    items: ["y", "z"],
    stock: new Map([
      ["x", 2n],
      ["z", 7n],
    ]),
    labels: new Map([["k", "2"]]),
    total: 6n,
    flag: true,
    cheapest: 4,
    since: { seconds: 10n, nanos: 4 },
    took: { seconds: 1n, nanos: 0 },
    part: { name: "n", count: 4 },
    data: Uint8Array.of(1),
    choice: { $case: "number", value: 1 },
  };

  it("joins lists, maps and messages by default, and takes the first that says something of the rest", () => {
    assert.deepEqual(mergeOf(All, "default")([one, two]), {
      items: ["x", "y", "y", "z"],
      stock: new Map([
        ["x", 2n],
        ["z", 7n],
      ]),
      labels: new Map([["k", "2"]]),
      total: 5n,
      flag: true,
      cheapest: 4,
      since: { seconds: 10n, nanos: 5 },
      took: { seconds: 1n, nanos: 0 },
      part: { name: "n", count: 3 },
      data: Uint8Array.of(1),
      choice: { $case: "number", value: 1 },
    });
  });

  it("goes by the mergers it is told", () => {
    const rule = {
      ...{ items: "union", stock: "sum-values", total: "sum", flag: "all", cheapest: "min" },
      ...{ since: "min", took: "max", part: "last", choice: "first" },
    };
    const merged = mergeOf(All, rule)([one, two]) as typeof two;
    assert.deepEqual(merged.items, ["x", "y", "z"]);
    assert.deepEqual(
      merged.stock,
      new Map([
        ["x", 3n],
        ["z", 7n],
      ]),
    );
    assert.deepEqual([merged.total, merged.flag, merged.cheapest], [11n, false, 0]);
    assert.deepEqual([merged.since, merged.took], [two.since, two.took]);
    assert.deepEqual([merged.part, merged.choice], [two.part, two.choice]);
  });

  it("says what is wrong with a rule", () => {
    const fails = (rule: Record<string, string>, why: RegExp) =>
      assert.throws(() => mergeOf(All, rule), { code: "FAILED_PRECONDITION", message: why });
    fails({ itms: "concat" }, /test\.v1\.All has no field "itms"; it has items, stock/);
    fails({ items: "join" }, /"join" for test\.v1\.All\.items is no merger; there are first, last/);
    fails({ labels: "sum-values" }, /cannot merge test\.v1\.All\.labels, a map; it is for counts/);
    fails({ items: "sum" }, /cannot merge test\.v1\.All\.items, a list; it is for number/);
  });

  it("changes none of the answers, and agrees on numbers with arithmetic", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 9 }), (numbers) => {
        const answers = numbers.map((cheapest) => Object.freeze({ cheapest, items: Object.freeze([`${cheapest}`]) }));
        const by = (merger: string) => (mergeOf(All, { cheapest: merger })(answers) as { cheapest: number }).cheapest;
        assert.equal(by("min"), Math.min(...numbers));
        assert.equal(by("max"), Math.max(...numbers));
        assert.equal(
          by("sum"),
          numbers.reduce((a, b) => a + b),
        );
        assert.equal((mergeOf(All, "default")(answers) as { items: string[] }).items.length, numbers.length);
      }),
    );
    assert.equal(Object.keys(mergers).length, 11);
  });
});
