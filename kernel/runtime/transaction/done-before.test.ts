import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "../../call/status.ts";
import { doneBefore } from "./done-before.ts";

const inputHash = new Uint8Array([7]);
const ongoing = { outcome: "ongoing" };
const lost = new StatusError("DEADLINE_EXCEEDED", "no answer");

describe("what was done before", () => {
  for (const outcome of ["done", "rejected"]) {
    it(`shows in the first answer that says how it ended: ${outcome}`, () => {
      const [first, again] = [doneBefore(), doneBefore()];
      for (const one of [first, again]) one.heard(ongoing);
      first.heard({ outcome });
      again.heard({ outcome, inputHash });
      assert.deepEqual([first.was, again.was], [false, true]);
      for (const one of [first, again]) one.heard({ outcome: "done", inputHash });
      assert.deepEqual([first.was, again.was], [false, true], "what follows asks about the same once more");
    });
  }

  it("is not what this process may have done itself, and was not told of", () => {
    const one = doneBefore();
    one.unheard(lost);
    one.heard({ outcome: "done", inputHash });
    assert.equal(one.was, false);
  });

  it("is what was done while this process reached nobody", () => {
    const one = doneBefore();
    one.unheard(new StatusError("UNAVAILABLE", "nobody is there", { neverSent: true }));
    one.heard({ outcome: "done", inputHash });
    assert.equal(one.was, true);
  });

  it("is unknown while nobody has said how it ended", () => {
    const one = doneBefore();
    one.heard(ongoing);
    assert.equal(one.was, false);
  });
});
