import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { breakerConformance, offer } from "@mortise/kernel/spi/breaker.conformance";
import { sampleSite, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { threshold, thresholdBreaker } from "./threshold.ts";

breakerConformance({ name: "threshold", make: () => ({ subject: (ports) => thresholdBreaker(ports.clock) }) });

describe("breaker/threshold", () => {
  const made = (fields: Record<string, unknown> = {}) => {
    const ports = virtualPorts();
    const site = sampleSite({ policy: { fields: { breakerThreshold: fields } } });
    return { ports, circuit: thresholdBreaker(ports.clock).circuits(site)() };
  };

  it("opens exactly when the share of failures among enough calls is reached", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (outcomes) => {
        const { circuit } = made();
        let calls = 0;
        let failures = 0;
        for (const ok of outcomes) {
          const open = calls >= 20 && failures >= calls / 2;
          assert.equal(circuit.admit(), !open, `${failures} of ${calls}`);
          if (open) return;
          circuit.record(ok, 1);
          calls++;
          if (!ok) failures++;
        }
      }),
    );
  });

  it("forgets what is older than its window", async () => {
    const { circuit, ports } = made();
    offer(circuit, 19, false);
    await ports.advance(11_000);
    assert.equal(offer(circuit, 19, false), 19);
    assert.equal(circuit.state, "closed");
  });

  it("rests, lets one call try, and goes by how that one ends", async () => {
    const { circuit, ports } = made();
    offer(circuit, 20, false);
    await ports.advance(4999);
    assert.equal(circuit.admit(), false);
    await ports.advance(1);
    assert.equal(circuit.admit(), true);
    assert.equal(circuit.admit(), false);
    circuit.record(false, 1);
    assert.equal(circuit.state, "open");
    await ports.advance(5000);
    assert.equal(circuit.admit(), true);
    circuit.record(true, 1);
    assert.equal(circuit.state, "closed");
    assert.equal(offer(circuit, 19, false), 19);
  });

  it("counts slow calls as failed where it is told to", () => {
    const { circuit } = made({ slowMs: 100, minCalls: 5 });
    assert.equal(offer(circuit, 10, true, 101), 5);
  });

  it("is the plugin breaker/threshold", () => assert.equal(threshold.id, "breaker/threshold"));
});
