import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { fifo } from "./fifo.ts";

it("a fifo gives what a list would, whatever is pushed and taken", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.integer(), fc.constant("take" as const)), { maxLength: 500 }), (steps) => {
      const [queue, list] = [fifo<number>(), [] as number[]];
      for (const step of steps) {
        if (step === "take") assert.equal(queue.shift(), list.shift());
        else {
          queue.push(step);
          list.push(step);
        }
        assert.equal(queue.length, list.length);
        assert.equal(queue.peek(), list[0]);
      }
    }),
  );
});
