import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";

/** A certificate and its key as PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority made for a test, and the certificates it gives out. */
export interface TestAuthority {
  /** Its own certificate as PEM. */
  readonly ca: string;
  /** A certificate for a server or client; `hosts` are names, addresses and URIs. Valid for an hour around now. */
  issue(name: string, hosts?: readonly string[]): TestCertificate;
}

/** Makes an authority nobody else trusts. Its key lives as long as the test. */
export function testAuthority(name = "Mortise test authority"): TestAuthority {
  const keys = newKeys();
  const ca = pem("CERTIFICATE", certificate(name, name, keys.publicKey, keys.privateKey, authorityExtensions()));
  return {
    ca,
    issue: (subject, hosts = ["localhost", "127.0.0.1"]) => {
      const { publicKey, privateKey } = newKeys();
      const der = certificate(subject, name, publicKey, keys.privateKey, hostExtensions(hosts));
      return { cert: pem("CERTIFICATE", der), key: privateKey.export({ type: "pkcs8", format: "pem" }) as string };
    },
  };
}

const newKeys = () => generateKeyPairSync("ec", { namedCurve: "prime256v1" });

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

// X.509 (RFC 5280) in DER, as far as a test needs it.

const tags = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
};

function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.of(tag), lengthOf(body.length), body]);
}

function lengthOf(length: number): Buffer {
  if (length < 128) return Buffer.of(length);
  return length < 256 ? Buffer.of(0x81, length) : Buffer.of(0x82, length >> 8, length & 255);
}

const sequence = (...content: readonly Uint8Array[]) => der(tags.sequence, ...content);
const oid = (hex: string) => der(tags.oid, Buffer.from(hex, "hex"));
const bits = (content: Uint8Array) => der(tags.bitString, Buffer.of(0), content);
const yes = Buffer.of(0x01, 0x01, 0xff);

const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"));

function certificate(
  subject: string,
  issuer: string,
  publicKey: KeyObject,
  signer: KeyObject,
  extensions: readonly Buffer[],
): Buffer {
  const body = sequence(
    der(0xa0, der(tags.integer, Buffer.of(2))),
    der(tags.integer, Buffer.concat([Buffer.of(0x4d), randomBytes(15)])),
    ecdsaWithSha256,
    commonName(issuer),
    sequence(time(-30), time(30)),
    commonName(subject),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions)),
  );
  return sequence(body, ecdsaWithSha256, bits(sign("sha256", body, signer)));
}

function commonName(name: string): Buffer {
  return sequence(der(tags.set, sequence(oid("550403"), der(tags.utf8, Buffer.from(name)))));
}

function time(minutes: number): Buffer {
  const at = new Date(Date.now() + minutes * 60_000).toISOString();
  return der(tags.time, Buffer.from(`${at.replace(/[-:T]|\..*/g, "")}Z`));
}

function extension(id: string, content: Buffer, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [yes] : []), der(tags.octetString, content));
}

function authorityExtensions(): readonly Buffer[] {
  const signCertificates = der(tags.bitString, Buffer.of(2, 0x04));
  return [extension("551d13", sequence(yes), true), extension("551d0f", signCertificates, true)];
}

function hostExtensions(hosts: readonly string[]): readonly Buffer[] {
  const names = hosts.map((host) => {
    if (isIP(host) === 4) return der(0x87, Buffer.from(host.split(".").map(Number)));
    return der(host.includes("://") ? 0x86 : 0x82, Buffer.from(host));
  });
  const both = sequence(oid("2b06010505070301"), oid("2b06010505070302"));
  return [extension("551d11", sequence(...names)), extension("551d25", both)];
}
