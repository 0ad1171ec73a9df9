import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testAuthority } from "../../testing/certificates.ts";
import type { Law } from "../../testing/conformance.ts";
import { eventually } from "../../testing/eventually.ts";
import { keptLog, silentLog } from "../../testing/logs.ts";
import type { Protocol } from "../protocol.ts";
import { emptyNote } from "../serializer.conformance.ts";
import type { Serializer } from "../serializer.ts";
import { callers, connectTo, echoExposure, failure, proto } from "./world.ts";

/** A protocol that can speak TLS, by its options of that name. */
export interface SecureSubject {
  /** Its id, as messages name it. */
  readonly id: string;
  /** What messages are written with. Default: protobuf. */
  readonly serializer?: Serializer;
  /** Starts it with options; others have their defaults, and patience enough for a busy machine. */
  start(options: object): Protocol;
}

/** Calls over a connection, and what the listener gave as its address. */
type Check = (call: () => Promise<unknown>, address: string) => Promise<unknown>;

const authority = testAuthority();
const stranger = testAuthority("Somebody else");
const server = authority.issue("server");
const caller = authority.issue("caller", ["caller.test"]);

const trusting = { tls: { ca: authority.ca } };
const secured = { tls: { ...server, ca: authority.ca } };
const named = { tls: { ...caller, ca: authority.ca } };
const mutual = { tls: { ...server, ca: authority.ca, mutual: true } };

/** Checks what an echo gives when one side serves it and another calls. */
async function echo(
  { start, serializer = proto }: SecureSubject,
  serving: object,
  calling: object,
  check: Check,
): Promise<void> {
  const on = (options: object) => start({ advertise: "localhost", ...options });
  const listener = await on(serving).listen(echoExposure(keptLog(), { serializers: [serializer] }));
  const connection = connectTo(on(calling), listener.address);
  try {
    const { call } = callers(connection, serializer);
    await check(() => call("echo", emptyNote, { timeoutMs: 60_000 }), listener.address);
  } finally {
    await connection.close(0);
    await listener.close(0);
  }
}

const answers: Check = async (call) => void (await call());
const isRefused: Check = (call) => failure(call(), "UNAVAILABLE");

/** Calls a listener that somebody connects to who says nothing, and ends it. Gives the socket of whom. */
async function besideSilence(subject: SecureSubject): Promise<Socket> {
  const silent = new Socket();
  await echo(subject, mutual, mutual, async (call, address) => {
    silent.on("error", () => undefined).connect(Number(address.split(":").at(-1)), "localhost");
    await eventually(() => !silent.connecting);
    await call();
    assert.equal(silent.closed, false);
  });
  return silent;
}

/** Checks that a listener that ends closes also connections that have said nothing. */
export async function checkSilentAreClosed(subject: SecureSubject): Promise<void> {
  const silent = (await besideSilence(subject)).resume();
  await eventually(() => silent.closed);
}

/** What every protocol keeps to that has the options `tls`. */
export const tlsLaws: readonly Law<SecureSubject>[] = [
  {
    law: "calls a server by name whose certificate the authority has signed",
    check: (subject) => echo(subject, secured, trusting, answers),
  },
  {
    law: "calls a server by address whose certificate the authority has signed",
    check: (subject) => echo(subject, { ...secured, advertise: "127.0.0.1" }, trusting, answers),
  },
  {
    law: "calls no server that shows the certificate of another authority, or one for another name",
    async check(subject) {
      await echo(subject, { tls: stranger.issue("server") }, trusting, isRefused);
      await echo(subject, named, trusting, isRefused);
    },
  },
  {
    law: "takes the name from the options where the address has another",
    check: (subject) => echo(subject, named, { tls: { ca: authority.ca, serverName: "caller.test" } }, answers),
  },
  {
    law: "does not answer plain callers, and plain servers not its own",
    async check(subject) {
      await echo(subject, secured, {}, isRefused);
      await echo(subject, {}, secured, isRefused);
    },
  },
  {
    law: "knows callers by their certificates when both sides must show one",
    async check(subject) {
      await echo(subject, mutual, { tls: { ...caller, ca: authority.ca, mutual: true } }, answers);
      await echo(subject, mutual, trusting, isRefused);
      const unknown = { ...stranger.issue("caller"), ca: authority.ca, mutual: true };
      await echo(subject, mutual, { tls: unknown }, isRefused);
    },
  },
  {
    law: "goes on serving others, and ends, while somebody connects and says nothing",
    async check(subject) {
      (await besideSilence(subject)).destroy();
    },
  },
  {
    law: "reads certificates from files",
    async check(subject) {
      const folder = mkdtempSync(join(tmpdir(), "mortise-tls-"));
      const file = (name: string, text: string) => {
        writeFileSync(join(folder, name), text);
        return join(folder, name);
      };
      const tls = { cert: file("c", server.cert), key: file("k", server.key), ca: file("a", authority.ca) };
      try {
        await echo(subject, { tls }, { tls: { ca: tls.ca } }, answers);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  },
  {
    law: "says what is missing to listen, and which file cannot be read",
    async check({ id, start }) {
      await assert.rejects(
        start({ advertise: "localhost", ...trusting }).listen(echoExposure(silentLog)),
        new RegExp(`${id} cannot listen with TLS: give the options tls\\.cert and tls\\.key`),
      );
      assert.throws(
        () => start({ tls: { ca: "/no/ca.pem" } }),
        new RegExp(`${id}, option tls\\.ca: the file /no/ca\\.pem`),
      );
    },
  },
];
