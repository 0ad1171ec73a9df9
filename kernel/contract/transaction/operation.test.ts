import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { Empty, operation } from "../index.ts";
import { platformReasons, type WrongRejects } from "./rejects.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>(value?: T) => value;

it("refuses rejects that are the platform's own, or there twice", () => {
  const own =
    /an operation on google\.protobuf\.Empty: the reject DEADLINE is a reason of the platform; name it otherwise/;
  // @ts-expect-error: it is the platform's
  assert.throws(() => operation(Empty, Empty, { rejects: ["LATE", "DEADLINE"] }), own);
  // @ts-expect-error: it is there twice
  assert.throws(() => operation(Empty, Empty, { rejects: ["A", "B", "A"] }), /the reject A is there twice/);
  const computed: readonly string[] = ["A", "A"];
  assert.throws(() => operation(Empty, Empty, { rejects: computed }), /the reject A is there twice/);
  assert.throws(() => operation(Empty, Empty, { rejects: ["late"] }), /write the reject "late" in UPPER_SNAKE/);
  const { facts } = operation(Empty, Empty, { rejects: ["A", "B"], keys: () => ["a"], undo: true });
  assert.deepEqual(facts.rejects, ["A", "B"]);
});

it("says in the type what is wrong", () => {
  yes<Equal<WrongRejects<readonly ["A", "B"]>, never>>();
  yes<Equal<WrongRejects<readonly ["A", "B", "A"]>, "the reject A is there twice">>();
  yes<Equal<WrongRejects<readonly ["ORPHAN"]>, "the reject ORPHAN is a reason of the platform; name it otherwise">>();
  yes<Equal<WrongRejects<readonly string[]>, never>>();
});

it("knows the reasons the guide lists as the platform's own", async () => {
  const guide = await readFile(join(import.meta.dirname, "../../../docs/transactions.md"), "utf8");
  const [, table = ""] = guide.split("## Why it was aborted");
  const listed = table.split("\n## ")[0]?.matchAll(/^\| `([A-Z_]+)` \|/gm) ?? [];
  assert.deepEqual(Array.from(listed, ([, reason]) => reason).sort(), [...platformReasons].sort());
});
