import assert from "node:assert/strict";
import type { Ports } from "../core/ports.ts";
import { conformance } from "../testing/conformance.ts";
import { sampleSite } from "../testing/samples.ts";
import { type VirtualPorts, virtualPorts } from "../testing/virtual-ports.ts";
import type { Breaker, Circuit } from "./breaker.ts";

/** Makes the breaker with its default policy on these ports. */
export type BreakerSubject = (ports: Ports) => Breaker;

/** Offers `calls` calls that would go like this; tells how many were let through. */
export function offer(circuit: Circuit, calls: number, ok: boolean, tookMs = 1): number {
  let passed = 0;
  for (let i = 0; i < calls; i++) {
    if (!circuit.admit()) continue;
    passed++;
    circuit.record(ok, tookMs);
  }
  return passed;
}

const law = (law: string, check: (make: () => Circuit, ports: VirtualPorts) => void | Promise<void>) => ({
  law,
  check(subject: BreakerSubject) {
    const ports = virtualPorts();
    return check(subject(ports).circuits(sampleSite()), ports);
  },
});

/** What every breaker keeps to under its default policy. */
export const breakerConformance = conformance<BreakerSubject>("breaker", [
  law("lets everything through while calls go well", (make) => {
    const circuit = make();
    assert.equal(offer(circuit, 1000, true), 1000);
    assert.equal(circuit.state, "closed");
  }),
  law("takes no notice of a few failures", (make) => {
    const circuit = make();
    assert.equal(offer(circuit, 5, false), 5);
    assert.ok(circuit.admit());
  }),
  law("keeps most calls away from what always fails, soon", (make) => {
    const circuit = make();
    offer(circuit, 200, false);
    assert.ok(offer(circuit, 1000, false) < 100);
    assert.notEqual(circuit.state, "closed");
  }),
  law("tries again by itself, and lets everything through once calls go well again", async (make, ports) => {
    const circuit = make();
    offer(circuit, 500, false);
    await ports.advance(10_000);
    for (let second = 0; second < 60; second++) {
      offer(circuit, 20, true);
      await ports.advance(1000);
    }
    assert.equal(offer(circuit, 100, true), 100);
    assert.equal(circuit.state, "closed");
  }),
  law("goes on keeping calls away while they still fail after a rest", async (make, ports) => {
    const circuit = make();
    offer(circuit, 500, false);
    let passed = 0;
    for (let second = 0; second < 30; second++) {
      await ports.advance(1000);
      passed += offer(circuit, 100, false);
    }
    assert.ok(passed < 1500, `${passed} of 3000 calls were let through`);
  }),
  law("is not shut for ever by calls that were cancelled", async (make, ports) => {
    const circuit = make();
    offer(circuit, 500, false);
    for (let second = 0; second < 30; second++) {
      await ports.advance(1000);
      if (circuit.admit()) circuit.forget();
    }
    for (let second = 0; second < 30; second++) {
      await ports.advance(1000);
      offer(circuit, 20, true);
    }
    assert.equal(offer(circuit, 100, true), 100);
  }),
  law("keeps circuits apart", (make) => {
    const [one, two] = [make(), make()];
    offer(one, 1000, false);
    assert.equal(offer(two, 100, true), 100);
  }),
]);
