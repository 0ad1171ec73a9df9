import assert from "node:assert/strict";
import type { Policy } from "../call/site.ts";
import type { Ports } from "../core/ports.ts";
import { conformance } from "../testing/conformance.ts";
import { sampleSite } from "../testing/samples.ts";
import { type VirtualPorts, virtualPorts } from "../testing/virtual-ports.ts";
import { isPermit, type Limit, type Limiter, type Permit } from "./limiter.ts";

/** A limiter and a policy under which it lets calls through one at a time and refuses a crowd. */
export interface LimiterSubject {
  make(ports: Ports): Limiter | Promise<Limiter>;
  readonly fields: Policy["fields"];
  /** Whether keys have limits of their own. */
  readonly keyed: boolean;
}

/** Asks for `calls` permits at once. */
export async function crowd(limit: Limit, calls: number, key = ""): Promise<readonly Permit[]> {
  const answers = await Promise.all(Array.from({ length: calls }, async () => limit.acquire(key)));
  return answers.filter(isPermit);
}

const law = (law: string, check: (limit: Limit, ports: VirtualPorts, subject: LimiterSubject) => Promise<void>) => ({
  law,
  async check(subject: LimiterSubject) {
    const ports = virtualPorts();
    const limit = (await subject.make(ports)).limit(sampleSite({ policy: { fields: subject.fields } }));
    assert.ok(limit, "the policy sets a limit");
    await check(limit, ports, subject);
  },
});

/** What every limiter keeps to. */
export const limiterConformance = conformance<LimiterSubject>("limiter", [
  {
    law: "sets no limit where the policy sets none",
    async check({ make }) {
      assert.equal((await make(virtualPorts())).limit(sampleSite()), undefined);
    },
  },
  law("lets the first call through", async (limit) => assert.equal((await crowd(limit, 1)).length, 1)),
  law("lets calls through for ever that come slowly, one after another", async (limit, ports) => {
    for (let i = 0; i < 100; i++) {
      const [permit] = await crowd(limit, 1);
      assert.ok(permit, `call ${i}`);
      permit.release({ code: "OK", tookMs: 5 });
      await ports.advance(2000);
    }
  }),
  law("refuses a part of a crowd, and says when to come again", async (limit) => {
    for (const permit of await crowd(limit, 1)) permit.release({ code: "OK", tookMs: 5 });
    const answers = await Promise.all(Array.from({ length: 10_000 }, async () => limit.acquire("")));
    const refusals = answers.filter((answer) => !isPermit(answer));
    assert.ok(refusals.length > 0, "nobody was refused");
    for (const refusal of refusals) assert.ok((refusal as { retryAfterMs: number }).retryAfterMs >= 0);
  }),
  law("lets calls through again after a rest", async (limit, ports) => {
    for (const permit of await crowd(limit, 10_000)) permit.release({ code: "OK", tookMs: 5 });
    await ports.advance(60_000);
    assert.equal((await crowd(limit, 1)).length, 1);
  }),
  law("keeps the limits of keys apart where it has some", async (limit, _, { keyed }) => {
    if (!keyed) return;
    await crowd(limit, 10_000, "a");
    assert.equal((await crowd(limit, 1, "b")).length, 1);
  }),
]);
