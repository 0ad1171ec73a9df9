import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Call, type CallContext, callContext, type Identity, type Ports, receivedContext } from "@mortise/kernel";
import { identityConformance } from "@mortise/kernel/spi/identity.conformance";
import { type PeerCertificate, withPeer } from "@mortise/kernel/spi/peer";
import { sampleCall, startPlugin, virtualPorts } from "@mortise/kernel/testing";
import { mtls } from "./mtls.ts";

const options = { trustDomain: "shop.test" };
const made = async (ports: Ports, given: object = options) =>
  (await startPlugin<Identity>(mtls, { ports, options: given })).api;

const certificate = (wall: number, changes: Partial<PeerCertificate> = {}): PeerCertificate => ({
  ...{ subject: "CN=order, O=Shop", commonName: "order", uris: ["spiffe://shop.test/order"], dnsNames: ["order.test"] },
  ...{ fingerprint: "ab", notBefore: wall, notAfter: wall + 60_000 },
  ...changes,
});

function over(call: Call, peer: PeerCertificate | undefined): Call {
  return { ...call, context: withPeer(receivedContext(call.context as CallContext), peer) };
}

identityConformance({
  name: "mtls",
  make() {
    const strangers = new WeakSet<Identity>();
    let clock: Ports["clock"];
    return {
      subject: {
        make(ports) {
          clock = ports.clock;
          return made(ports);
        },
        async makeStranger(ports) {
          const stranger = await made(ports);
          strangers.add(stranger);
          return stranger;
        },
        arrive: (by, call) =>
          over(call, certificate(clock.wall(), strangers.has(by) ? { uris: ["spiffe://evil.test/order"] } : {})),
        caller: "order",
        expiresMs: 66_000,
      },
    };
  },
});

describe("identity/mtls", () => {
  const ports = virtualPorts();
  const named = async (given: object, changes: Partial<PeerCertificate> = {}) =>
    (await made(ports, given)).verify(
      over(sampleCall(callContext({}, ports)), certificate(ports.clock.wall(), changes)),
    );

  it("takes the name from where it is told to, and gives the rest as claims", async () => {
    assert.deepEqual(await named(options), {
      name: "order",
      claims: { subject: "CN=order, O=Shop", fingerprint: "ab", uri: "spiffe://shop.test/order" },
    });
    assert.equal((await named({})).name, "spiffe://shop.test/order");
    assert.equal((await named(options, { uris: ["spiffe://shop.test/ns/eu/sa/order"] })).name, "ns/eu/sa/order");
    assert.equal((await named({ name: "common-name" })).name, "order");
    assert.equal((await named({ name: "dns" })).name, "order.test");
    assert.equal((await named({ name: "subject" })).name, "CN=order, O=Shop");
  });

  it("believes no certificate that does not name one caller clearly", async () => {
    const bad: readonly (readonly string[])[] = [
      [],
      ["spiffe://shop.test/order", "spiffe://shop.test/admin"],
      ["spiffe://shop.test/order", "https://shop.test"],
      ["https://shop.test/order"],
      ["spiffe://shop.test"],
      ["spiffe://shop.test/"],
      ["spiffe://shop.test/a/../admin"],
      ["spiffe://shop.test/a//b"],
      ["spiffe://user@shop.test/order"],
      ["spiffe://shop.test:1/order"],
      ["spiffe://SHOP.test/order"],
      ["spiffe://shop.test/order?x"],
      ["spiffe://shop.test/%61dmin"],
      ["spiffe://shop.test.evil.test/order"],
    ];
    for (const uris of bad)
      await assert.rejects(named(options, { uris }), { code: "UNAUTHENTICATED", reason: "BAD_CREDENTIALS" }, `${uris}`);
    await assert.rejects(named({ name: "common-name" }, { commonName: "" }), { reason: "BAD_CREDENTIALS" });
    await assert.rejects(named({ name: "dns" }, { dnsNames: [] }), { reason: "BAD_CREDENTIALS" });
  });

  it("believes no certificate that is not valid yet", async () => {
    await assert.rejects(named(options, { notBefore: ports.clock.wall() + 6000 }), { reason: "EXPIRED_CREDENTIALS" });
  });

  it("refuses options that contradict each other", async () => {
    await assert.rejects(made(ports, { name: "dns", trustDomain: "shop.test" }), /trustDomain: is for SPIFFE ids only/);
    await assert.rejects(made(ports, { trustDomain: "Shop/x" }), /trustDomain: holds lower-case/);
  });

  it("is the plugin identity/mtls", () => assert.equal(mtls.id, "identity/mtls"));
});
