import assert from "node:assert/strict";
import { conformance } from "../testing/conformance.ts";
import { eventually } from "../testing/eventually.ts";
import { Sample, sampleInstance } from "../testing/samples.ts";
import type { Directory } from "./directory.ts";
import type { Instance } from "./instance.ts";

/** A directory, and a way to change what it follows. */
export interface DirectorySubject {
  readonly directory: Directory;
  /** Makes an instance known; resolves to how to take it back. */
  readonly add: (instance: Instance) => Promise<() => Promise<void>>;
}

const { name } = Sample;
const law = (law: string, check: (subject: DirectorySubject) => Promise<void>) => ({ law, check });

const shows = (directory: Directory, ...expected: string[]) =>
  eventually(() => {
    const ids = directory.view(name).instances.map(({ id }) => id);
    assert.deepEqual(ids.sort(), expected);
    return true;
  });

/** What every directory keeps to. */
export const directoryConformance = conformance<DirectorySubject>("directory", [
  law("knows of nobody at first, and gives the same view for the same service", async ({ directory }) => {
    assert.deepEqual(directory.view(name).instances, []);
    assert.equal(directory.view(name), directory.view(name));
    assert.equal(directory.view(name).service, name);
  }),
  law("shows who comes and, while others stay, who goes", async ({ directory, add }) => {
    const withdraw = await add(sampleInstance("a"));
    await shows(directory, "a");
    await add(sampleInstance("b"));
    await shows(directory, "a", "b");
    await withdraw();
    await shows(directory, "b");
  }),
  law("keeps services apart", async ({ directory, add }) => {
    directory.view(name);
    await add(sampleInstance("x", { service: "other.v1.Other" }));
    await add(sampleInstance("a"));
    await shows(directory, "a");
  }),
  law(
    "gives a frozen list that stays the same array, with the same instances in it, while nothing changes",
    async ({ directory, add }) => {
      await add(sampleInstance("a"));
      await shows(directory, "a");
      const { instances } = directory.view(name);
      assert.ok(Object.isFrozen(instances));
      await add(sampleInstance("x", { service: "other.v1.Other" }));
      assert.equal(directory.view(name).instances, instances);
      await add(sampleInstance("b"));
      await shows(directory, "a", "b");
      assert.ok(directory.view(name).instances.includes(instances[0] as Instance));
    },
  ),
  law("gives an instance that was gone as another object when it comes back", async ({ directory, add }) => {
    await add(sampleInstance("a"));
    const same = sampleInstance("b");
    const withdraw = await add(same);
    await shows(directory, "a", "b");
    const before = directory.view(name).instances.find(({ id }) => id === "b");
    await withdraw();
    await shows(directory, "a");
    await add(same);
    await shows(directory, "a", "b");
    const after = directory.view(name).instances.find(({ id }) => id === "b");
    assert.deepEqual(after, before);
    assert.notEqual(after, before);
  }),
  law("tells of changes until it is asked not to", async ({ directory, add }) => {
    const view = directory.view(name);
    const told: number[] = [];
    const forget = view.onChange(() => told.push(view.instances.length));
    await add(sampleInstance("a"));
    await eventually(() => told.length > 0);
    assert.deepEqual(told, [1]);
    forget();
    await add(sampleInstance("b"));
    await shows(directory, "a", "b");
    assert.deepEqual(told, [1]);
  }),
  law("goes on listing an instance its source still lists, reachable or not", async ({ directory, add }) => {
    await add(sampleInstance("a"));
    await shows(directory, "a");
    const view = directory.view(name);
    view.unreachable(view.instances[0] as Instance);
    await shows(directory, "a");
  }),
]);
