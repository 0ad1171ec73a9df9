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

  it("goes by its formula through any calls, ends, cancellations and waits", async () => {
    const step = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          act: fc.constant("call" as const),
          ends: fc.constantFrom("well", "badly", "cancelled"),
        }),
      },
      { weight: 2, arbitrary: fc.record({ act: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 4000 }) }) },
    );
    const settings = { windowMs: 1000, minCalls: 5, failurePercent: 60, openMs: 1500 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
        const { circuit, ports } = made(settings);
        let seen: { readonly bucket: number; readonly ok: boolean }[] = [];
        let state = "closed";
        let openedAt = 0;
        const open = (now: number) => {
          state = "open";
          openedAt = now;
        };
        for (const one of steps) {
          if (one.act === "wait") {
            await ports.advance(one.ms);
            continue;
          }
          const now = ports.clock.now();
          const passes = state === "closed" || (state === "open" && now - openedAt >= settings.openMs);
          assert.equal(circuit.admit(), passes);
          if (!passes) continue;
          const trial = state === "open";
          if (one.ends === "cancelled") {
            circuit.forget();
            if (trial) open(now);
          } else {
            const ok = one.ends === "well";
            circuit.record(ok, 1);
            if (trial && !ok) open(now);
            else if (trial) [state, seen] = ["closed", []];
            else {
              const bucket = Math.floor(now / 100);
              seen = [...seen, { bucket, ok }].filter((call) => call.bucket > bucket - 10);
              const failed = seen.filter((call) => !call.ok).length;
              if (seen.length >= settings.minCalls && failed / seen.length >= 0.6 - 1e-12) open(now);
            }
          }
          assert.equal(circuit.state, state);
        }
      }),
    );
  });

  it("is the plugin breaker/threshold", () => assert.equal(threshold.id, "breaker/threshold"));
});
