import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { it } from "node:test";
import fc from "fast-check";
import { callContext } from "../call/call-context.ts";
import { receivedContext } from "../call/server-context.ts";
import { testAuthority } from "../testing/certificates.ts";
import { alternativeNames } from "./alternative-names.ts";
import { peerOf, peerOfSocket, readPeer, withPeer } from "./peer.ts";

const { cert } = testAuthority().issue("order", [
  "order.test",
  "spiffe://shop.test/order",
  "spiffe://a/b, DNS:evil.test",
]);
const { raw, fingerprint256 } = new X509Certificate(cert);

it("reads subject, names and times of a certificate, and is not led astray by a comma in a name", () => {
  const peer = readPeer(raw);
  assert.deepEqual([peer.subject, peer.commonName], ["CN=order", "order"]);
  assert.deepEqual(peer.uris, ["spiffe://shop.test/order", "spiffe://a/b, DNS:evil.test"]);
  assert.deepEqual(peer.dnsNames, ["order.test"]);
  assert.equal(peer.fingerprint, fingerprint256.replaceAll(":", "").toLowerCase());
  assert.ok(peer.notBefore < Date.now() && peer.notAfter > Date.now());
});

it("takes no bytes for a certificate that are none, wherever they are changed or cut", () => {
  for (let length = 0; length < raw.length; length += 7)
    assert.throws(() => alternativeNames(raw.subarray(0, length)), TypeError);
  fc.assert(
    fc.property(fc.nat(raw.length - 1), fc.nat(255), (at, byte) => {
      const changed = Uint8Array.from(raw);
      changed[at] = byte;
      try {
        assert.ok(alternativeNames(changed).uris.length <= 3);
      } catch (error) {
        assert.ok(error instanceof TypeError);
      }
    }),
  );
});

it("takes the certificate of a socket only if it is vouched for, and reads it once", () => {
  let asked = 0;
  const socket = (authorized: boolean, given: Buffer | undefined = raw) => ({
    authorized,
    getPeerCertificate: () => ({ ...(given && { raw: given }), asked: asked++ }),
  });
  const good = socket(true);
  assert.equal(peerOfSocket(good)?.commonName, "order");
  assert.equal(peerOfSocket(good), peerOfSocket(good));
  assert.equal(asked, 1);
  assert.equal(peerOfSocket(socket(false)), undefined);
  assert.equal(peerOfSocket({}), undefined);
});

it("does not travel with calls that are made for a request", () => {
  const context = withPeer(callContext(), readPeer(raw));
  assert.equal(peerOf(context.with({ tenant: "a" }))?.commonName, "order");
  assert.equal(peerOf(receivedContext(context)), undefined);
  assert.equal(peerOf(withPeer(callContext(), undefined)), undefined);
});
