import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { callContext, type Identity, type Ports, receivedContext } from "@mortise/kernel";
import { arrived, identityConformance } from "@mortise/kernel/spi/identity.conformance";
import { sampleCall, startPlugin, virtualPorts } from "@mortise/kernel/testing";
import { SignJWT } from "jose";
import { jwt } from "./jwt.ts";

const dir = mkdtempSync(join(tmpdir(), "mortise-jwt-"));
const secret = "s".repeat(40);
const names = { issuer: "mortise", audience: "shop" };

function file(name: string, content: string | Buffer): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

/** Files with a new pair of keys. */
function pair(name: string, algorithm: "RS256" | "EdDSA") {
  const keys =
    algorithm === "RS256" ? generateKeyPairSync("rsa", { modulusLength: 2048 }) : generateKeyPairSync("ed25519");
  const jwk = { ...keys.publicKey.export({ format: "jwk" }), kid: name, alg: algorithm };
  return {
    privateFile: file(`${name}.key`, keys.privateKey.export({ type: "pkcs8", format: "pem" })),
    publicFile: file(`${name}.pub`, keys.publicKey.export({ type: "spki", format: "pem" })),
    jwksFile: file(`${name}.json`, JSON.stringify({ keys: [jwk] })),
  };
}

async function made(ports: Ports, options: object): Promise<Identity> {
  return (await startPlugin<Identity>(jwt, { ports, options: { ...names, ...options } })).api;
}

const shared = (of: string, changes: object = {}) => ({
  sign: { caller: "gateway", algorithm: "HS256", secret: of, ttlMs: 60_000, ...changes },
  verify: { algorithms: ["HS256"], secret: of },
});

identityConformance({
  name: "jwt with a secret",
  make: () => ({
    subject: {
      make: (ports) => made(ports, shared(secret)),
      makeStranger: (ports) => made(ports, shared("x".repeat(40))),
      caller: "gateway",
      expiresMs: 66_000,
    },
  }),
});

for (const algorithm of ["RS256", "EdDSA"] as const) {
  const [own, strange] = [pair(`own-${algorithm}`, algorithm), pair(`strange-${algorithm}`, algorithm)];
  const signing = (keyFile: string) => ({
    caller: "gateway",
    algorithm,
    keyFile,
    keyId: `own-${algorithm}`,
    ttlMs: 60_000,
  });
  for (const [from, keys] of [
    ["a public key", { keyFile: own.publicFile }],
    ["a JWKS file", { jwksFile: own.jwksFile }],
  ] as const) {
    identityConformance({
      name: `jwt with ${algorithm} and ${from}`,
      make: () => ({
        subject: {
          make: (ports) =>
            made(ports, { sign: signing(own.privateFile), verify: { algorithms: [algorithm], ...keys } }),
          makeStranger: (ports) => made(ports, { sign: signing(strange.privateFile) }),
          caller: "gateway",
          expiresMs: 66_000,
        },
      }),
    });
  }
}

describe("identity/jwt", () => {
  const ports = virtualPorts();
  const call = () => sampleCall(callContext({}, ports));
  const bad = { code: "UNAUTHENTICATED", reason: "BAD_CREDENTIALS" };

  /** A call with a token of our own making. */
  async function carrying(claims: Record<string, unknown>, header: { alg: string } = { alg: "HS256" }) {
    const exp = Math.floor(ports.clock.wall() / 1000) + 60;
    const payload = { iss: "mortise", aud: "shop", sub: "gateway", exp, ...claims };
    const token = await new SignJWT(payload).setProtectedHeader(header).sign(new TextEncoder().encode(secret));
    return {
      ...call(),
      context: receivedContext(callContext({ metadata: { authorization: `Bearer ${token}` } }, ports)),
    };
  }

  it("asks for issuer, audience, subject and expiry", async () => {
    const identity = await made(ports, shared(secret));
    await identity.verify(await carrying({}));
    for (const claims of [{ iss: "other" }, { aud: "other" }, { sub: undefined }, { exp: undefined }])
      await assert.rejects(async () => identity.verify(await carrying(claims)), bad);
  });

  it("takes no other algorithm than those it was told", async () => {
    const identity = await made(ports, shared(secret));
    await assert.rejects(async () => identity.verify(await carrying({}, { alg: "HS384" })), bad);
    const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.e30.`;
    const context = receivedContext(callContext({ metadata: { authorization: `Bearer ${none}` } }, ports));
    await assert.rejects(async () => identity.verify({ ...call(), context }), bad);
  });

  it("gives the claims that are text", async () => {
    const identity = await made(ports, shared(secret));
    const caller = await identity.verify(await carrying({ role: "admin", level: 3 }));
    assert.deepEqual(caller, { name: "gateway", claims: { iss: "mortise", aud: "shop", role: "admin" } });
  });

  it("makes a token for many calls and renews it before it expires", async () => {
    const own = virtualPorts();
    const identity = await made(own, shared(secret));
    const token = async () => (await identity.attest(call()))?.authorization;
    const first = await token();
    assert.equal(await token(), first);
    await own.advance(31_000);
    assert.notEqual(await token(), first);
  });

  it("makes none where it has no key, and checks none where it knows no key", async () => {
    const silent = await made(ports, { verify: shared(secret).verify });
    assert.equal(await silent.attest(call()), undefined);
    const signer = await made(ports, { sign: shared(secret).sign });
    await assert.rejects(async () => signer.verify(await arrived(signer, call())), { code: "FAILED_PRECONDITION" });
  });

  it("says what is wrong with its keys", async () => {
    const verify = (changes: object) => made(ports, { verify: { algorithms: ["HS256"], ...changes } });
    await assert.rejects(verify({}), /identity\/jwt, verify: give exactly one place/);
    await assert.rejects(verify({ keyFile: join(dir, "missing") }), /cannot be read from/);
    await assert.rejects(verify({ keyFile: file("short", "short") }), /shorter than 32/);
    await assert.rejects(verify({ secret, algorithms: ["HS256", "RS256"] }), /HS256 shares no key/);
    await assert.rejects(verify({ keyFile: file("x", "x"), algorithms: ["RS256"] }), /holds no key of this kind/);
  });

  it("is the plugin identity/jwt", () => assert.equal(jwt.id, "identity/jwt"));
});
