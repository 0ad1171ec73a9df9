import { X509Certificate } from "node:crypto";
import type { CallContext, Context } from "../call/context.ts";
import { contextKey } from "../call/context.ts";
import { alternativeNames } from "./alternative-names.ts";
import { keyed } from "./keyed.ts";

/** What the certificate says that the other side of a connection has shown, and that our authorities vouch for. */
export interface PeerCertificate {
  /** `CN=order, O=Shop`: the parts of the subject in their order. */
  readonly subject: string;
  /** The common name of the subject; empty without one. */
  readonly commonName: string;
  /** Subject alternative names that are URIs, as they stand there. */
  readonly uris: readonly string[];
  /** Subject alternative names that are names of hosts. */
  readonly dnsNames: readonly string[];
  /** SHA-256 of the certificate, in hex. */
  readonly fingerprint: string;
  /** In milliseconds since 1970. */
  readonly notBefore: number;
  /** In milliseconds since 1970. A connection may outlive it. */
  readonly notAfter: number;
}

const peer = contextKey<PeerCertificate | undefined>("peerCertificate", undefined);

/** The certificate of whoever sent the request a context belongs to; nothing over plain connections and within a process. */
export function peerOf(context: Context): PeerCertificate | undefined {
  return context.get(peer);
}

/** For protocols: the context of a request that came over a connection with this certificate. */
export function withPeer(context: CallContext, certificate: PeerCertificate | undefined): CallContext {
  return certificate ? context.set(peer, certificate) : context;
}

/** A socket with TLS, as `node:tls` has it. */
export interface SecureSocket {
  /** Whether our authorities vouch for the other side. */
  readonly authorized: boolean;
  getPeerCertificate(): { readonly raw?: Uint8Array };
}

const known = new WeakMap<object, PeerCertificate | undefined>();

/** The certificate of the other side if it has shown one that is vouched for; read once per connection. */
export function peerOfSocket(socket: object): PeerCertificate | undefined {
  if (known.has(socket)) return known.get(socket);
  const { authorized, getPeerCertificate } = socket as Partial<SecureSocket>;
  const raw = authorized ? getPeerCertificate?.call(socket).raw : undefined;
  const certificate = raw && readPeer(raw);
  known.set(socket, certificate);
  return certificate;
}

/** How many certificates are remembered. */
const maxCertificates = 1000;
const parsed = keyed((base64) => parse(Buffer.from(base64, "base64")), maxCertificates);

/** What a certificate says, from its DER form. */
export function readPeer(raw: Uint8Array): PeerCertificate {
  return parsed(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString("base64"));
}

function parse(raw: Buffer): PeerCertificate {
  const certificate = new X509Certificate(raw);
  const subject = certificate.subject?.split("\n") ?? [];
  return Object.freeze({
    subject: subject.join(", "),
    commonName: subject.find((part) => part.startsWith("CN="))?.slice(3) ?? "",
    ...alternativeNames(raw),
    fingerprint: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
  });
}
