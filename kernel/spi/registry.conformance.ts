import assert from "node:assert/strict";
import type { Running } from "../core/plugin.ts";
import { conformance } from "../testing/conformance.ts";
import { eventually } from "../testing/eventually.ts";
import { inTime } from "../testing/in-time.ts";
import { sampleInstance } from "../testing/samples.ts";
import { type BetweenTwo, betweenTwo } from "../testing/two-processes.ts";
import type { Instance } from "./instance.ts";
import type { Registry, Snapshot } from "./registry.ts";

/** One registry as several processes see it. */
export interface RegistrySubject {
  /** Starts the plugin once more, as another process would. The first to start may be the last to stop. */
  open(): Promise<Running<Registry>>;
}

const service = "mortise.sample.v1.Sample";
const ids = (snapshot: Snapshot) => snapshot.map(({ id }) => id).sort();

/** The snapshots a watch has given so far. */
interface Watched {
  readonly heard: readonly Snapshot[];
  /** Waits until the last snapshot has these ids. */
  sees(...expected: string[]): Promise<Snapshot>;
  close(): Promise<void>;
}

async function watch(registry: Registry, of = service): Promise<Watched> {
  const heard: Snapshot[] = [];
  const { close } = await registry.watch(of, (snapshot) => heard.push(snapshot));
  assert.ok(heard.length > 0, "watch resolves only after the first snapshot");
  const sees = (...expected: string[]) =>
    eventually(() => {
      assert.deepEqual(ids(heard.at(-1) ?? []), expected);
      return heard.at(-1) as Snapshot;
    });
  return { heard, sees, close };
}

const law = (law: string, check: BetweenTwo<Registry>) => ({
  law,
  check: ({ open }: RegistrySubject) => betweenTwo(open, check),
});

/** What every registry keeps to, as seen by two processes that use it. */
export const registryConformance = conformance<RegistrySubject>("registry", [
  law("gives the first snapshot before watch resolves, empty for a service nobody offers", async (one) => {
    assert.deepEqual((await watch(one)).heard, [[]]);
  }),
  law("shows an instance to a watch that begins after its registration resolved", async (one, two) => {
    const instance = sampleInstance("a", { tags: { colour: "blue" }, serializers: ["json", "protobuf"], startedAt: 7 });
    await two.register(instance);
    const [first] = (await watch(one)).heard;
    assert.deepEqual(first, [instance]);
  }),
  law("shows within a second what others register and withdraw", async (one, two) => {
    const seen = await watch(one);
    const known: { readonly id: string; withdraw(): Promise<void> }[] = [];
    const seesAll = () => seen.sees(...known.map(({ id }) => id).sort());
    const comes = async (by: Registry) => {
      const id = `i${known.length}`;
      known.push({ ...(await by.register(sampleInstance(id))), id });
      await seesAll();
    };
    const goes = async () => {
      await known.pop()?.withdraw();
      await seesAll();
    };
    for (const by of [two, one]) await inTime(1000, () => comes(by));
    while (known.length < 5) await comes(two);
    await inTime(1000, goes);
  }),
  law("takes a withdrawal that is repeated", async (one, two) => {
    const seen = await watch(one);
    const a = await two.register(sampleInstance("a"));
    await Promise.all([a.withdraw(), a.withdraw()]);
    await a.withdraw();
    await seen.sees();
  }),
  law("replaces an instance that is registered again, and the old registration no longer counts", async (one, two) => {
    const seen = await watch(one);
    const old = await two.register(sampleInstance("a"));
    await seen.sees("a");
    await two.register(sampleInstance("a", { weight: 7 }));
    await eventually(
      () =>
        assert.deepEqual(
          seen.heard.at(-1)?.map(({ weight }) => weight),
          [7],
        ) ?? true,
    );
    await old.withdraw();
    await two.register(sampleInstance("b"));
    await seen.sees("a", "b");
  }),
  law("keeps the objects of instances that did not change", async (one, two) => {
    const seen = await watch(one);
    await two.register(sampleInstance("a"));
    const before = await seen.sees("a");
    await two.register(sampleInstance("b"));
    const after = await seen.sees("a", "b");
    const find = (snapshot: Snapshot, id: string): Instance | undefined => snapshot.find((i) => i.id === id);
    assert.equal(find(after, "a"), find(before, "a"));
  }),
  law("gives snapshots that nobody can change", async (one, two) => {
    await two.register(sampleInstance("a"));
    const [snapshot = []] = (await watch(one)).heard;
    assert.ok(Object.isFrozen(snapshot) && snapshot.every((instance) => Object.isFrozen(instance)));
  }),
  law("keeps services apart", async (one, two) => {
    const seen = await watch(one);
    const other = await watch(one, "mortise.sample.v1.Other");
    await two.register(sampleInstance("o", { service: "mortise.sample.v1.Other" }));
    await other.sees("o");
    assert.deepEqual(seen.heard, [[]]);
  }),
  law("names the services that have instances, sorted", async (one, two) => {
    const z = await two.register(sampleInstance("z", { service: "z.v1.Z" }));
    await one.register(sampleInstance("a", { service: "a.v1.A" }));
    await eventually(async () => assert.deepEqual(await one.services(), ["a.v1.A", "z.v1.Z"]) ?? true);
    await z.withdraw();
    await eventually(async () => assert.deepEqual(await one.services(), ["a.v1.A"]) ?? true);
  }),
  law("tells of a change once, to the watchers of its service alone, with one new object", async (one, two) => {
    const services = Array.from({ length: 20 }, (_, i) => `load.v1.S${i}`);
    const ids = ["a", "b", "c", "d", "e"];
    const register = (of: string, id: string, weight = 100) =>
      two.register(sampleInstance(`${of}-${id}`, { service: of, weight }));
    const seen = await Promise.all(services.map((of) => watch(one, of)));
    await Promise.all(services.flatMap((of) => ids.map((id) => register(of, id))));
    const all = await Promise.all(seen.map((of, i) => of.sees(...ids.map((id) => `${services[i]}-${id}`))));
    const heard = seen.map(({ heard }) => heard.length);
    await register("load.v1.S7", "c", 7);
    const after = await eventually(() => {
      const last = seen[7]?.heard.at(-1) ?? [];
      return last.some(({ weight }) => weight === 7) && last;
    });
    assert.deepEqual(
      seen.map(({ heard }) => heard.length),
      heard.map((length, i) => (i === 7 ? length + 1 : length)),
    );
    assert.equal(after.filter((instance) => !all[7]?.includes(instance)).length, 1);
  }),
  law("is silent after a watch is closed, for that watch alone", async (one, two) => {
    const closed = await watch(one);
    const open = await watch(one);
    await closed.close();
    await closed.close();
    await two.register(sampleInstance("a"));
    await open.sees("a");
    assert.equal(closed.heard.length, 1);
  }),
  law("withdraws what a process registered when it stops", async (one, two, stopTwo) => {
    const seen = await watch(one);
    await two.register(sampleInstance("a"));
    await seen.sees("a");
    await stopTwo();
    await seen.sees();
  }),
]);
