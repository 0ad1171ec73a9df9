/** The version that PostgreSQL's StartupMessage names: 3.0. */
const version = 196_608;

/** Its length and the version, before anything that has a name. */
const headBytes = 8;

const name = "mortise.filling";
const text = "x".repeat(1024);
const filled = Buffer.from(`${name}\0${text}\0`);

/**
 * Makes the StartupMessage of postgres.js so long that it is written at once. postgres.js 3.4 puts off what is shorter than
 * 1024 bytes, and a connection that was closed while something was put off never writes such a thing again.
 */
export const filling: Readonly<Record<string, string>> = { [name]: text };

/**
 * What to send of the first that postgres.js writes over a new connection: the StartupMessage at its end without filling,
 * and not what was left of an earlier connection before it. Anything else is as it was.
 */
export function startupOf(written: Uint8Array): Uint8Array {
  const bytes = Buffer.from(written.buffer, written.byteOffset, written.byteLength);
  const message = bytes.subarray(startOf(bytes));
  const from = message.indexOf(filled);
  if (from < 0) return message;
  const short = Buffer.concat([message.subarray(0, from), message.subarray(from + filled.length)]);
  short.writeInt32BE(short.length);
  return short;
}

/** Where the last message begins that reaches to the end and names the version; 0: there is none. */
function startOf(bytes: Buffer): number {
  for (let at = bytes.length - headBytes; at > 0; at--) {
    if (bytes.readInt32BE(at) === bytes.length - at && bytes.readInt32BE(at + 4) === version) return at;
  }
  return 0;
}
