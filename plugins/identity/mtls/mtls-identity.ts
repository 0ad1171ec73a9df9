import { type Caller, type Clock, type Identity, unauthenticated } from "@mortise/kernel";
import { type PeerCertificate, peerOf } from "@mortise/kernel/spi/peer";

export interface MtlsSetup {
  /** Where the caller's name stands in its certificate. */
  readonly name: "spiffe" | "common-name" | "dns" | "subject";
  /** Of SPIFFE ids: the only one that is believed, and left out of names. */
  readonly trustDomain?: string | undefined;
}

/** How far clocks may be apart where the end of a certificate is looked at, in milliseconds. */
const toleranceMs = 5000;

/**
 * Proves callers by the certificate of the connection their call came over. The protocol has checked it against its authorities
 * and whoever shows it holds its key; looked at here is whom it names, and that it has not expired since the connection was made.
 */
export function mtlsIdentity(setup: MtlsSetup, clock: Clock): Identity {
  return {
    attest: () => undefined,
    verify({ context }) {
      const certificate = peerOf(context);
      if (!certificate) throw unauthenticated("NO_CREDENTIALS", "the call came over no connection with a certificate");
      const now = clock.wall();
      if (now > certificate.notAfter + toleranceMs || now < certificate.notBefore - toleranceMs)
        throw unauthenticated("EXPIRED_CREDENTIALS", "the certificate of the connection is not valid now");
      return { name: nameIn(certificate, setup), claims: claimsOf(certificate) };
    },
  };
}

function nameIn(certificate: PeerCertificate, { name, trustDomain }: MtlsSetup): string {
  if (name === "spiffe") return spiffeName(certificate.uris, trustDomain);
  const { commonName, dnsNames, subject } = certificate;
  const found = { "common-name": commonName, dns: dnsNames[0] ?? "", subject }[name];
  if (found === "") throw unauthenticated("BAD_CREDENTIALS", `the certificate of the connection has no ${name}`);
  return found;
}

/** A SPIFFE id: `spiffe://<trust domain>/<path>`, and no other URI beside it (SPIFFE X.509-SVID, section 2). */
const spiffeId = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)+)$/;

function spiffeName(uris: readonly string[], trustDomain: string | undefined): string {
  const [uri = ""] = uris;
  const [, domain, path = ""] = spiffeId.exec(uri) ?? [];
  if (uris.length !== 1 || domain === undefined || /\/\.{1,2}(\/|$)/.test(path))
    throw unauthenticated("BAD_CREDENTIALS", "the certificate of the connection has not exactly one SPIFFE id");
  if (trustDomain === undefined) return uri;
  if (domain !== trustDomain)
    throw unauthenticated("BAD_CREDENTIALS", "the certificate of the connection is of another trust domain");
  return path.slice(1);
}

function claimsOf({ subject, fingerprint, uris }: PeerCertificate): Caller["claims"] {
  return { subject, fingerprint, ...(uris[0] !== undefined && { uri: uris[0] }) };
}
