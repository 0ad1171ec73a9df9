import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { virtualPorts } from "../testing/virtual-ports.ts";
import { InFlight, type InFlightCall } from "./in-flight.ts";
import { StatusError } from "./status.ts";

function call(cut: (reason: StatusError) => void = () => undefined): InFlightCall {
  return { previous: undefined, next: undefined, cut };
}

const reason = new StatusError("UNAVAILABLE", "closing");

describe("calls in flight", () => {
  it("holds those that were added and not removed, in any order of both", () => {
    fc.assert(
      fc.property(fc.array(fc.nat()), (picks) => {
        const inFlight = new InFlight();
        const present: InFlightCall[] = [];
        for (const pick of picks) {
          const [gone] = pick % 3 === 0 ? present.splice(pick % (present.length || 1), 1) : [];
          if (gone) inFlight.remove(gone);
          else {
            const added = call();
            inFlight.add(added);
            present.push(added);
          }
          assert.equal(inFlight.size, present.length);
        }
        const cut = new Set<InFlightCall>();
        for (const one of present) one.cut = () => cut.add(one);
        inFlight.cut(reason);
        assert.deepEqual(cut, new Set(present));
      }),
    );
  });

  it("tells when it is idle, at once when it is", async () => {
    const inFlight = new InFlight();
    await inFlight.idle();
    const one = call();
    inFlight.add(one);
    let idle = false;
    const waiting = inFlight.idle().then(() => {
      idle = true;
    });
    await Promise.resolve();
    assert.equal(idle, false);
    inFlight.remove(one);
    await waiting;
  });

  it("cuts what outlasts the grace, and nothing before", async () => {
    const ports = virtualPorts();
    const inFlight = new InFlight();
    const cuts: number[] = [];
    const one = call(() => {
      cuts.push(ports.clock.now());
      inFlight.remove(one);
    });
    inFlight.add(one);
    await ports.settle(inFlight.drain(500, ports.timers, reason));
    assert.deepEqual(cuts, [500]);
    assert.equal(ports.pending, 0);
  });

  it("needs no grace when calls end by themselves", async () => {
    const ports = virtualPorts();
    const inFlight = new InFlight();
    const one = call(() => assert.fail("cut"));
    inFlight.add(one);
    ports.timers.after(100, () => inFlight.remove(one));
    await ports.settle(inFlight.drain(500, ports.timers, reason));
    assert.equal(ports.clock.now(), 100);
    assert.equal(ports.pending, 0);
  });
});
