/** Names in a certificate beside its subject. */
export interface AlternativeNames {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
}

/** A value of DER: its tag and its content. */
interface Value {
  readonly tag: number;
  readonly content: Uint8Array;
}

const subjectAltName = "551d11";
const tags = { extensions: 0xa3, dns: 0x82, uri: 0x86 } as const;

/**
 * The subject alternative names of a certificate in DER (RFC 5280, section 4.2.1.6). Read here and not from the text that runtimes make of
 * them: in some of those a comma within a name looks like the beginning of the next one. Throws a TypeError for what is no certificate.
 */
export function alternativeNames(certificate: Uint8Array): AlternativeNames {
  const [whole] = values(certificate);
  const [body] = values(contentOf(whole));
  const extensions = values(contentOf(body)).find(({ tag }) => tag === tags.extensions);
  const listed = extensions ? values(contentOf(values(extensions.content)[0])) : [];
  const found = listed.map(({ content }) => values(content)).find(([id]) => hex(contentOf(id)) === subjectAltName);
  const names = found ? values(contentOf(values(contentOf(found.at(-1)))[0])) : [];
  const of = (wanted: number) => names.flatMap(({ tag, content }) => (tag === wanted ? [textOf(content)] : []));
  return { uris: of(tags.uri), dnsNames: of(tags.dns) };
}

function values(bytes: Uint8Array): readonly Value[] {
  const found: Value[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at] ?? 0;
    const { length, start } = lengthAt(bytes, at + 1);
    if (start + length > bytes.length)
      throw new TypeError("this is no certificate: a value is longer than what holds it");
    found.push({ tag, content: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}

function lengthAt(bytes: Uint8Array, at: number): { readonly length: number; readonly start: number } {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return { length: first, start: at + 1 };
  const size = first & 0x7f;
  if (size === 0 || size > 4) throw new TypeError("this is no certificate: a length is none of DER");
  let length = 0;
  for (let i = 1; i <= size; i++) length = length * 256 + (bytes[at + i] ?? 0);
  return { length, start: at + 1 + size };
}

function contentOf(value: Value | undefined): Uint8Array {
  if (!value) throw new TypeError("this is no certificate: a part of it is missing");
  return value.content;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** These names are ASCII; a byte that is none stays what it is. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
