import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { it } from "node:test";
import { testAuthority } from "./certificates.ts";

it("makes certificates that its authority and nobody else has signed", () => {
  const authority = testAuthority();
  const { cert, key } = authority.issue("shop", ["shop.test", "127.0.0.1"]);
  const issued = new X509Certificate(cert);
  const ca = new X509Certificate(authority.ca);
  assert.equal(ca.ca, true);
  assert.equal(issued.ca, false);
  assert.ok(issued.verify(ca.publicKey));
  assert.ok(issued.checkIssued(ca));
  assert.ok(!issued.verify(new X509Certificate(testAuthority().ca).publicKey));
  assert.equal(issued.checkHost("shop.test"), "shop.test");
  assert.equal(issued.checkIP("127.0.0.1"), "127.0.0.1");
  assert.equal(issued.checkHost("other.test"), undefined);
  assert.match(key, /PRIVATE KEY/);
});

it("makes certificates that are valid now", () => {
  const { cert } = testAuthority().issue("shop");
  const { validFrom, validTo } = new X509Certificate(cert);
  assert.ok(Date.parse(validFrom) < Date.now() && Date.now() < Date.parse(validTo));
});
