import assert from "node:assert/strict";
import { callContext } from "../call/call-context.ts";
import type { ContextChanges } from "../call/context.ts";
import type { Policy } from "../call/site.ts";
import { conformance } from "../testing/conformance.ts";
import { sampleCall, sampleInstance, sampleSite } from "../testing/samples.ts";
import { virtualPorts } from "../testing/virtual-ports.ts";
import type { Instance } from "./instance.ts";
import type { Route, Router } from "./router.ts";

/** A router with a policy under which it decides, and calls that it decides differently about. */
export interface RouterSubject {
  readonly router: Router;
  /** Policy fields under which it narrows the candidates down. */
  readonly fields: Policy["fields"];
  readonly candidates: readonly Instance[];
  /** Contexts of calls that get different candidates. */
  readonly contexts: readonly [ContextChanges, ContextChanges];
}

const ports = virtualPorts();
const callOf = (changes: ContextChanges) => sampleCall(callContext(changes, ports));

function compiled({ router, fields }: RouterSubject): Route {
  const route = router.route(sampleSite({ policy: { fields } }));
  assert.ok(route, "it decides under its policy");
  return route;
}

/** What every router keeps to. */
export const routerConformance = conformance<RouterSubject>("router", [
  {
    law: "stays out of the way of a method whose policy asks nothing of it, or passes all on",
    check({ router }) {
      const plain = Object.freeze([sampleInstance("a"), sampleInstance("b")]);
      const route = router.route(sampleSite());
      assert.equal(route?.(plain, callOf({})) ?? plain, plain);
    },
  },
  {
    law: "keeps only what it was given, in the given order",
    check(subject) {
      const route = compiled(subject);
      for (const changes of subject.contexts) {
        const kept = route(subject.candidates, callOf(changes));
        assert.deepEqual(
          kept,
          subject.candidates.filter((instance) => kept.includes(instance)),
        );
      }
    },
  },
  {
    law: "decides by the call",
    check(subject) {
      const [one, other] = subject.contexts.map((changes) => compiled(subject)(subject.candidates, callOf(changes)));
      assert.notDeepEqual(one, other);
    },
  },
  {
    law: "gives the same array for the same candidates and decision",
    check(subject) {
      const route = compiled(subject);
      for (const changes of subject.contexts) {
        const first = route(subject.candidates, callOf(changes));
        for (let i = 0; i < 3; i++) {
          for (const other of subject.contexts) route(subject.candidates, callOf(other));
          assert.equal(route(subject.candidates, callOf(changes)), first);
        }
      }
    },
  },
  {
    law: "gives frozen arrays, and takes one candidate or none as well",
    check(subject) {
      const route = compiled(subject);
      for (const candidates of [subject.candidates, Object.freeze(subject.candidates.slice(0, 1)), Object.freeze([])]) {
        for (const changes of subject.contexts) assert.ok(Object.isFrozen(route(candidates, callOf(changes))));
      }
    },
  },
]);
