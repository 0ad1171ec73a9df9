import assert from "node:assert/strict";
import type { Call } from "../call/call.ts";
import { callContext } from "../call/call-context.ts";
import { metadata } from "../call/metadata.ts";
import { receivedContext } from "../call/server-context.ts";
import { StatusError } from "../call/status.ts";
import type { Ports } from "../core/ports.ts";
import { conformance } from "../testing/conformance.ts";
import { Sample, sampleCall } from "../testing/samples.ts";
import { type VirtualPorts, virtualPorts } from "../testing/virtual-ports.ts";
import type { Identity } from "./identity.ts";

/** An identity whose client side is `caller` and whose server side knows it. */
export interface IdentitySubject {
  make(ports: Ports): Identity | Promise<Identity>;
  /** The same kind, with keys that the others do not know. */
  makeStranger(ports: Ports): Identity | Promise<Identity>;
  readonly caller: string;
  /** For proofs that lie beside the call, such as its connection: the call as its server sees it, sent now by this identity. */
  arrive?(by: Identity, call: Call): Call;
  /** After how many milliseconds credentials are certainly too old. */
  readonly expiresMs: number;
}

/** The call as its server sees it, with the credentials of `by`. */
export async function arrived(by: Identity, call: Call): Promise<Call> {
  const headers = (await by.attest(call)) ?? {};
  return { ...call, context: receivedContext(call.context.with({ metadata: headers })) };
}

/** The call as its server sees it. */
async function arriving({ arrive }: IdentitySubject, by: Identity, call: Call): Promise<Call> {
  const at = await arrived(by, call);
  return arrive ? arrive(by, at) : at;
}

interface Stand {
  readonly ports: VirtualPorts;
  readonly identity: Identity;
  readonly subject: IdentitySubject;
  call(changes?: Partial<Call>): Call;
}

const law = (law: string, check: (stand: Stand) => Promise<void>) => ({
  law,
  async check(subject: IdentitySubject) {
    const ports = virtualPorts();
    const call = (changes: Partial<Call> = {}) => sampleCall(callContext({ timeoutMs: 60_000 }, ports), changes);
    await check({ ports, subject, call, identity: await subject.make(ports) });
  },
});

const verified = async (identity: Identity, call: Call) => identity.verify(call);

/** What every identity keeps to. */
export const identityConformance = conformance<IdentitySubject>("identity", [
  law("says who made a call of every kind", async ({ identity, call, subject }) => {
    for (const method of Object.values(Sample.methods)) {
      const caller = await verified(identity, await arriving(subject, identity, call({ method })));
      assert.equal(caller.name, subject.caller);
    }
  }),
  law("believes many calls at the same time", async ({ identity, call, subject }) => {
    const calls = await Promise.all(Array.from({ length: 100 }, () => arriving(subject, identity, call())));
    const callers = await Promise.all(calls.map((one) => verified(identity, one)));
    assert.ok(callers.every(({ name }) => name === subject.caller));
  }),
  law("refuses a call without credentials", async ({ identity, call }) => {
    await assert.rejects(verified(identity, call()), { code: "UNAUTHENTICATED", reason: "NO_CREDENTIALS" });
  }),
  law("refuses credentials of keys it does not know", async ({ identity, call, subject, ports }) => {
    const stranger = await subject.makeStranger(ports);
    await assert.rejects(verified(identity, await arriving(subject, stranger, call())), {
      code: "UNAUTHENTICATED",
      reason: "BAD_CREDENTIALS",
    });
  }),
  law("refuses credentials that have expired", async ({ identity, call, subject, ports }) => {
    const old = await arriving(subject, identity, call());
    await ports.advance(subject.expiresMs);
    await assert.rejects(verified(identity, old), { code: "UNAUTHENTICATED", reason: "EXPIRED_CREDENTIALS" });
    await verified(identity, await arriving(subject, identity, call()));
  }),
  law("refuses whatever else stands where the credentials are, and says no secret", async ({ identity, call }) => {
    const headers = (await identity.attest(call())) ?? {};
    for (const [name, value] of Object.entries(headers)) {
      for (const bad of mutants(String(value))) {
        const context = receivedContext(call().context.with({ metadata: metadataOf(name, bad) }));
        const error = await verified(identity, call({ context })).then(
          () => assert.fail(`believed ${bad}`),
          (thrown: unknown) => thrown,
        );
        assert.ok(error instanceof StatusError, `${error}`);
        assert.equal(error.code, "UNAUTHENTICATED", bad);
      }
    }
  }),
]);

function metadataOf(name: string, value: string): Record<string, string> {
  metadata({ [name]: value });
  return { [name]: value };
}

/** Texts that differ from good credentials: cut, emptied, with one character changed. */
function mutants(good: string): string[] {
  const changed = Array.from({ length: 20 }, (_, i) => {
    const at = good.length - 2 - Math.floor((i * (good.length - 2)) / 20);
    return good.slice(0, at) + (good[at] === "A" ? "B" : "A") + good.slice(at + 1);
  });
  return ["", " ", "x", "Bearer", "Bearer ", good.slice(0, -4), good.slice(4), ";".repeat(100), ...changed].filter(
    (one) => one !== good,
  );
}
