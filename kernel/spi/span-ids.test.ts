import assert from "node:assert/strict";
import { it } from "node:test";
import { systemPorts } from "../core/ports.ts";
import { virtualPorts } from "../testing/virtual-ports.ts";
import { spanIds } from "./span-ids.ts";

it("gives ids of the right shape that never repeat", () => {
  for (const { ids } of [systemPorts, virtualPorts()]) {
    const drawn = spanIds(ids);
    const seen = new Set<string>();
    for (let i = 0; i < 5000; i++) {
      const trace = drawn.trace();
      const span = drawn.span();
      assert.match(trace, /^[0-9a-f]{32}$/);
      assert.match(span, /^[0-9a-f]{16}$/);
      seen.add(trace.slice(16)).add(span);
    }
    assert.equal(seen.size, 10_000);
  }
});
