import assert from "node:assert/strict";
import { mkdtemp, open, readFile, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { systemPorts } from "../core/ports.ts";
import { watchFiles } from "./watch.ts";

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "mortise-watch-"));
  file = join(directory, "app.yaml");
});
afterEach(() => rm(directory, { recursive: true }));

/** Counts changes and lets a test wait for the next one. */
function counter() {
  let count = 0;
  let wake: (() => void) | undefined;
  return {
    changed: () => {
      count += 1;
      wake?.();
    },
    reaches: async (wanted: number) => {
      while (count < wanted) await new Promise<void>((resolve) => (wake = resolve));
      assert.equal(count, wanted);
    },
  };
}

async function watching(paths: readonly string[], changed: () => void | Promise<void>) {
  const files = await Promise.all(
    paths.map(async (path) => ({ path, text: await readFile(path, "utf8").catch(() => undefined) })),
  );
  return watchFiles({ files, ports: systemPorts, changed, failed: (error) => assert.fail(String(error)), settleMs: 5 });
}

describe("watched files", () => {
  it("tell when they are written, replaced by another file, deleted and made again", async () => {
    await writeFile(file, "app: a");
    const { changed, reaches } = counter();
    const watch = await watching([file], changed);
    await writeFile(file, "app: b");
    await reaches(1);
    await writeFile(`${file}~`, "app: c");
    await rename(`${file}~`, file);
    await reaches(2);
    await unlink(file);
    await reaches(3);
    await writeFile(file, "app: d");
    await reaches(4);
    await watch.close();
  });

  it("tell when a link is switched to another file", async () => {
    await writeFile(join(directory, "one"), "app: a");
    await writeFile(join(directory, "two"), "app: b");
    await symlink("one", file);
    const { changed, reaches } = counter();
    const watch = await watching([file], changed);
    await symlink("two", `${file}~`);
    await rename(`${file}~`, file);
    await reaches(1);
    await watch.close();
  });

  it("may be missing at first", async () => {
    const overlay = join(directory, "app.local.yaml");
    await writeFile(file, "app: a");
    const { changed, reaches } = counter();
    const watch = await watching([file, overlay], changed);
    await writeFile(overlay, "app: b");
    await reaches(1);
    await watch.close();
  });

  it("tell what has changed since they were read", async () => {
    await writeFile(file, "app: b");
    const { changed, reaches } = counter();
    const files = [{ path: file, text: "app: a" }];
    const watch = watchFiles({
      files,
      ports: systemPorts,
      changed,
      failed: (error) => assert.fail(String(error)),
      settleMs: 5,
    });
    await reaches(1);
    await watch.close();
  });

  it("say nothing when the content stays the same, or another file changes", async () => {
    await writeFile(file, "app: a");
    const { changed, reaches } = counter();
    const watch = await watching([file], changed);
    await writeFile(file, "app: a");
    await writeFile(join(directory, "other"), "x");
    await writeFile(file, "app: b");
    await reaches(1);
    await watch.close();
  });

  it("believe that a file is empty only when it stays so, for it is most likely being written", async () => {
    await writeFile(file, "app: a");
    const { changed, reaches } = counter();
    const texts: string[] = [];
    const watch = await watching([file], async () => {
      texts.push(await readFile(file, "utf8"));
      changed();
    });
    const handle = await open(file, "w"); // truncates, as editors do
    await new Promise((resolve) => systemPorts.timers.after(12, () => resolve(undefined)));
    await handle.writeFile("app: b");
    await handle.close();
    await reaches(1);
    await writeFile(file, "");
    await reaches(2);
    assert.deepEqual(texts, ["app: b", ""]);
    await watch.close();
  });

  it("wait for one change to be dealt with before they tell the next", async () => {
    await writeFile(file, "0");
    let running = 0;
    const { changed, reaches } = counter();
    const watch = await watching([file], async () => {
      running += 1;
      assert.equal(running, 1);
      await writeFile(file, "2");
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      changed();
    });
    await writeFile(file, "1");
    await reaches(2);
    await watch.close();
  });

  it("are quiet after close, which waits for the change being dealt with", async () => {
    await writeFile(file, "0");
    let ended = false;
    const begun = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const watch = await watching([file], async () => {
      begun.resolve();
      await gate.promise;
      ended = true;
    });
    await writeFile(file, "1");
    await begun.promise;
    const closing = watch.close();
    gate.resolve();
    await closing;
    assert.ok(ended);
  });
});
