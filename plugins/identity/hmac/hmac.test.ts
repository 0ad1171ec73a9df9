import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Call, callContext, type Identity, type Ports, receivedContext } from "@mortise/kernel";
import { field, map, message, rpc, service, string } from "@mortise/kernel/contract";
import { arrived, identityConformance } from "@mortise/kernel/spi/identity.conformance";
import { Sample, sampleCall, startPlugin, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { bodyDigest } from "./digest.ts";
import { hmac } from "./hmac.ts";
import { nonces } from "./nonces.ts";

const secret = (letter: string) => letter.repeat(40);
const keys = { k1: { caller: "gateway", secret: secret("a") }, k2: { caller: "order", secret: secret("b") } };

async function made(ports: Ports, options: object = {}): Promise<Identity> {
  return (await startPlugin<Identity>(hmac, { ports, options: { keys, signWith: "k1", ...options } })).api;
}

identityConformance({
  name: "hmac",
  make: () => ({
    subject: {
      make: (ports) => made(ports),
      makeStranger: (ports) => made(ports, { keys: { k1: { caller: "gateway", secret: secret("x") } } }),
      caller: "gateway",
      expiresMs: 10_000,
    },
  }),
});

describe("identity/hmac", () => {
  const ports = virtualPorts();
  const call = (changes: Partial<Call> = {}) => sampleCall(callContext({ timeoutMs: 60_000 }, ports), changes);
  const verify = async (identity: Identity, one: Call) => identity.verify(one);
  const bad = { code: "UNAUTHENTICATED", reason: "BAD_CREDENTIALS" };

  it("is good for one call only", async () => {
    const identity = await made(ports);
    const one = await arrived(identity, call());
    assert.deepEqual(await verify(identity, one), { name: "gateway", claims: { key: "k1" } });
    await assert.rejects(verify(identity, one), { code: "UNAUTHENTICATED", reason: "REPLAYED_CREDENTIALS" });
  });

  it("covers the request, the method, tenant, idempotency key and the named headers", async () => {
    const identity = await made(ports, { signedHeaders: ["X-Account"] });
    const context = callContext({ tenant: "t", idempotencyKey: "i", metadata: { "x-account": "1" } }, ports);
    const one = await arrived(identity, call({ context }));
    const signature = one.context.incoming.get("mortise-signature") as string;
    const other = (changes: object) =>
      receivedContext(context.with({ metadata: { "mortise-signature": signature }, ...changes }));
    const changed: Call[] = [
      { ...one, request: { key: "", number: 1 } },
      { ...one, method: Sample.methods.write },
      { ...one, context: other({ tenant: "u" }) },
      { ...one, context: other({ idempotencyKey: "j" }) },
      { ...one, context: other({ metadata: { "mortise-signature": signature, "x-account": "2" } }) },
    ];
    for (const wrong of changed) await assert.rejects(verify(identity, wrong), bad);
    await verify(identity, { ...one, context: other({}) });
  });

  it("does not take the deadline, the trace or other headers for part of the call", async () => {
    const identity = await made(ports);
    const one = await arrived(identity, call());
    await verify(identity, { ...one, context: one.context.with({ timeoutMs: 5, metadata: { other: "1" } }) });
  });

  it("refuses signatures of the future", async () => {
    const ahead = await made(virtualPorts({ wall: ports.clock.wall() + 60_000 }));
    await assert.rejects(verify(await made(ports), await arrived(ahead, call())), { reason: "EXPIRED_CREDENTIALS" });
  });

  it("keeps callers apart by their keys, and does not sign without one", async () => {
    const identity = await made(ports);
    const order = await made(ports, { signWith: "k2" });
    assert.equal((await verify(identity, await arrived(order, call()))).name, "order");
    assert.equal((await made(ports, { signWith: undefined })).attest(call()), undefined);
  });

  it("refuses calls when its memory is full of fresh signatures, until they are old", async () => {
    const own = virtualPorts();
    const identity = await made(own, { maxNonces: 2 });
    const next = () => arrived(identity, sampleCall(callContext({}, own)));
    await verify(identity, await next());
    await verify(identity, await next());
    await assert.rejects(verify(identity, await next()), { code: "RESOURCE_EXHAUSTED", reason: "REPLAY_MEMORY_FULL" });
    await own.advance(20_000);
    await verify(identity, await next());
  });

  it("remembers every nonce for its time, whatever comes", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), fc.nat(20)), { maxLength: 50 }), (steps) => {
        const memory = nonces(30, 1000);
        const model = new Map<number, number>();
        let now = 0;
        for (const [nonce, wait] of steps) {
          now += wait;
          const known = (model.get(nonce) ?? -1) > now;
          assert.equal(memory.take(`${nonce}`, now), known ? "known" : "new");
          if (!known) model.set(nonce, now + 30);
        }
      }),
    );
  });

  it("takes a map for the same in whatever order its entries are", () => {
    const Inner = message("mortise.test.v1.Inner", { labels: map("string", string(1)) });
    const Outer = message("mortise.test.v1.Outer", { id: string(1), inner: field(2, Inner) });
    const { get } = service("mortise.test.v1.Maps", { get: rpc(Outer, Inner) }).methods;
    const entries = [
      ["b", "1"],
      ["a", "2"],
    ] as const;
    const digest = (labels: ReadonlyMap<string, string>) => bodyDigest(get, { id: "1", inner: { labels } });
    assert.equal(digest(new Map(entries)), digest(new Map([...entries].reverse())));
    assert.notEqual(digest(new Map(entries)), digest(new Map()));
  });

  it("reads secrets from files, and says which key is wrong without its secret", async () => {
    const file = join(tmpdir(), `mortise-hmac-${process.pid}`);
    await writeFile(file, `${secret("a")}\n`);
    const filed = await made(ports, { keys: { k1: { caller: "gateway", secretFile: file } } });
    assert.equal((await verify(await made(ports), await arrived(filed, call()))).name, "gateway");
    await writeFile(file, "short");
    await assert.rejects(
      made(ports, { keys: { k1: { caller: "g", secretFile: file } } }),
      /the secret of key "k1" is shorter/,
    );
    await assert.rejects(made(ports, { keys: { k1: { caller: "g", secretFile: `${file}-no` } } }), /cannot be read/);
    await assert.rejects(made(ports, { keys: { k1: { caller: "g" } } }), /either secret or secretFile/);
    await assert.rejects(made(ports, { signWith: "k9" }), /signWith names the key "k9"; there are: k1, k2/);
  });

  it("is the plugin identity/hmac", () => assert.equal(hmac.id, "identity/hmac"));
});
