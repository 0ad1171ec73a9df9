import assert from "node:assert/strict";
import type { Running } from "../core/plugin.ts";
import { conformance } from "../testing/conformance.ts";
import { eventually } from "../testing/eventually.ts";
import { inTime } from "../testing/in-time.ts";
import { type BetweenTwo, betweenTwo } from "../testing/two-processes.ts";
import type { ConfigSource, ConfigVersion } from "./config-source.ts";

/** A source as several processes see it. */
export interface ConfigSourceSubject {
  /** Starts the plugin once more, as another process would; it keeps 3 versions. */
  open(): Promise<Running<ConfigSource>>;
}

const draft = (after: number, text = `policies: {} # after ${after}`) => ({ text, by: "ann", note: "why", after });

const law = (law: string, check: BetweenTwo<ConfigSource>) => ({
  law,
  check: ({ open }: ConfigSourceSubject) => betweenTwo(open, check),
});

/** What every source of central rules keeps to, as seen by two processes. */
export const configSourceConformance = conformance<ConfigSourceSubject>("config-source", [
  law("tells at once that nothing is published yet", async (one) => {
    const heard: (ConfigVersion | undefined)[] = [];
    one.watch("shop", (newest) => heard.push(newest));
    await eventually(() => heard.length > 0);
    assert.deepEqual(heard, [undefined]);
    assert.equal(await one.read("shop"), undefined);
    assert.deepEqual(await one.history("shop"), []);
  }),
  law("counts versions from 1 and keeps who, when and why", async (one, two) => {
    const before = Date.now();
    const made = await one.publish("shop", draft(0));
    assert.deepEqual(made, { version: 1, text: draft(0).text, by: "ann", note: "why", at: made.at });
    assert.ok(made.at > before - 1000 && made.at < Date.now() + 1000, "clocks of one machine differ by little");
    assert.deepEqual(await two.read("shop"), made);
    assert.equal((await two.publish("shop", draft(1))).version, 2);
    assert.deepEqual(await one.read("shop", 1), made);
    assert.equal(await one.read("shop", 7), undefined);
  }),
  law("tells everybody who watches of a new version within a second", async (one, two) => {
    const [heardByOne, heardByTwo]: [number[], number[]] = [[], []];
    one.watch("shop", (newest) => heardByOne.push(newest?.version ?? 0));
    two.watch("shop", (newest) => heardByTwo.push(newest?.version ?? 0));
    await eventually(() => heardByOne.length > 0 && heardByTwo.length > 0);
    const published = async (after: number) => {
      const { version } = await one.publish("shop", draft(after));
      await eventually(() => heardByOne.at(-1) === version && heardByTwo.at(-1) === version);
    };
    for (let round = 0, version = 0; round < 2; round++) await inTime(1000, () => published(version++));
  }),
  law("tells one who begins to watch later what is the newest", async (one, two) => {
    await one.publish("shop", draft(0));
    await one.publish("shop", draft(1, "policies: { '*': { retries: 0 } }"));
    const heard: (ConfigVersion | undefined)[] = [];
    two.watch("shop", (newest) => heard.push(newest));
    await eventually(() => heard.length > 0);
    assert.equal(heard[0]?.text, "policies: { '*': { retries: 0 } }");
  }),
  law("is silent after a watch is closed, for that watch alone", async (one, two) => {
    const heard: string[] = [];
    const first = one.watch("shop", (newest) => heard.push(`first ${newest?.version}`));
    one.watch("shop", (newest) => heard.push(`second ${newest?.version}`));
    await eventually(() => heard.length === 2);
    first.close();
    first.close();
    await two.publish("shop", draft(0));
    await eventually(() => heard.includes("second 1"));
    assert.ok(!heard.includes("first 1"));
  }),
  law("lets one alone of many publish after the same version", async (one, two) => {
    const all = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) => (i % 2 ? one : two).publish("shop", draft(0, `# ${i}`))),
    );
    assert.equal(all.filter(({ status }) => status === "fulfilled").length, 1);
    for (const each of all)
      if (each.status === "rejected")
        assert.deepEqual([each.reason.code, each.reason.reason], ["ABORTED", "CONFIG_CONFLICT"]);
    await assert.rejects(one.publish("shop", draft(5)), { code: "ABORTED" });
    assert.equal((await one.history("shop")).length, 1);
  }),
  law("keeps the last versions, the newest first", async (one) => {
    for (const after of [0, 1, 2, 3, 4]) await one.publish("shop", draft(after));
    assert.deepEqual(
      (await one.history("shop")).map(({ version }) => version),
      [5, 4, 3],
    );
  }),
  law("keeps apps apart", async (one, two) => {
    await one.publish("shop", draft(0));
    assert.equal(await two.read("shop-two"), undefined);
    assert.equal((await two.publish("shop-two", draft(0))).version, 1);
    await assert.rejects(one.read("../Shop"), { code: "INVALID_ARGUMENT" });
    await assert.rejects(one.publish("shop", draft(1, "x".repeat(600_000))), { code: "INVALID_ARGUMENT" });
  }),
  law("keeps any text as it is", async (one, two) => {
    const text = "# ä ☃ \u0000\r\n\tpolicies: {}\n";
    await one.publish("shop", draft(0, text));
    assert.equal((await two.read("shop"))?.text, text);
  }),
  law("shows what every process that runs makes of the rules", async (one, two, stopTwo) => {
    one.report("shop", { process: "a:1", runs: 3 });
    two.report("shop", { process: "b:2", runs: 2, refused: { version: 3, reason: "no method" } });
    const expected = [
      { process: "a:1", runs: 3 },
      { process: "b:2", runs: 2, refused: { version: 3, reason: "no method" } },
    ];
    await eventually(async () => assert.deepEqual(await one.reports("shop"), expected) ?? true);
    two.report("shop", { process: "b:2", runs: 3 });
    await eventually(async () => (await one.reports("shop"))[1]?.runs === 3);
    await stopTwo();
    await eventually(async () => (await one.reports("shop")).length === 1);
  }),
  law("remembers on this machine what has proved good, the newest first", async (one, two) => {
    assert.deepEqual(await one.kept("shop"), []);
    const versions = [await one.publish("shop", draft(0)), await one.publish("shop", draft(1))];
    for (const version of versions) await one.keep("shop", version);
    assert.deepEqual(await two.kept("shop"), versions.toReversed());
  }),
]);
