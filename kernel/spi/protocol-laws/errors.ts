import assert from "node:assert/strict";
import { type ErrorCode, type StatusError, statusCodes } from "../../call/status.ts";
import { rpc, type ServiceType, service } from "../../contract/index.ts";
import { Echo, Note } from "../../testing/echo-contract.ts";
import { eventually } from "../../testing/eventually.ts";
import { servedService } from "../../testing/serve.ts";
import type { Exposure } from "../protocol.ts";
import { emptyNote } from "../serializer.conformance.ts";
import type { Serializer } from "../serializer.ts";
import { codecOfBytes, failure, law, type World } from "./world.ts";

const codes = Object.keys(statusCodes).filter((code) => code !== "OK") as ErrorCode[];

interface Failing {
  readonly code: ErrorCode;
  readonly message?: string;
  readonly reason?: string;
  readonly details?: Readonly<Record<string, string>>;
  readonly retryable?: boolean;
  readonly bug?: boolean;
}

function fail({ call }: Pick<World, "call">, { code, message = "", reason = "", details = {}, ...rest }: Failing) {
  const { retryable, bug = false } = rest;
  const request = {
    code: statusCodes[code],
    message,
    reason,
    details: new Map(Object.entries(details)),
    retryable,
    bug,
  };
  return failure(call("fail", request), bug ? "INTERNAL" : code);
}

const facts = ({ code, message, reason, details, retryable, neverSent }: StatusError) => ({
  code,
  message,
  reason,
  details,
  retryable,
  neverSent,
});

const Other = service("mortise.testing.v1.Other", { ask: rpc(Note, Note) });
const Same = service(Echo.name, { missing: rpc(Note, Note) });

/** Writes bytes that no serializer of the server can read. */
const broken = ({ contentType, subtype, codec }: Serializer): Serializer => ({
  contentType,
  subtype,
  codec: (type) => codecOfBytes(codec(type), () => Uint8Array.of(0xff, 0xff, 0xff)),
});

/** What protocols make of failures. */
export const errorLaws = [
  law("carries every code with its message", async (world) => {
    for (const code of codes) {
      const error = await fail(world, { code, message: `it is ${code}` });
      assert.equal(error.message, `it is ${code}`);
      assert.equal(error.retryable, code === "UNAVAILABLE");
      assert.equal(error.neverSent, false);
    }
  }),
  law("carries reason, details and any text", async (world) => {
    const failing = {
      code: "ABORTED",
      message: 'Lager leer: 榫卯 — 100% "sicher"\n\tund %41 und 🪚',
      reason: "OUT_OF_STOCK",
      details: { sku: "Ä-1", "": "empty", __proto__key: "", "with space": "a=b;c,d" },
    } as const;
    assert.deepEqual(facts(await fail(world, failing)), { ...failing, retryable: false, neverSent: false });
  }),
  law("carries whether to try again, also where it is unusual", async (world) => {
    for (const code of codes) {
      for (const retryable of [true, false]) {
        const error = await fail(world, { code, message: "m", retryable });
        assert.equal(error.retryable, retryable, `${code} with retryable ${retryable}`);
      }
      const error = await fail(world, { code, message: "m", reason: "WHY", retryable: true });
      assert.deepEqual([error.reason, error.retryable], ["WHY", true]);
    }
  }),
  law("carries a message of 8 KiB", async (world) => {
    const message = "long message ".repeat(640);
    assert.equal((await fail(world, { code: "INTERNAL", message })).message, message);
  }),
  law("tells a handler's mistake as INTERNAL, and its text to nobody but the log", async (world) => {
    const error = await fail(world, { code: "UNKNOWN", bug: true, message: "password is hunter2" });
    assert.ok(!JSON.stringify([error.message, error.details, error.reason]).includes("hunter2"));
    assert.ok(JSON.stringify(world.log.lines, errorText).includes("hunter2"));
  }),
  law(
    "answers INTERNAL when a method breaks before its handler begins",
    async ({ invoke, listener, log, serializer }) => {
      await listener.update(brokenExposure(Other, serializer));
      const error = await failure(invoke(Other.methods.ask, emptyNote), "INTERNAL");
      assert.ok(!error.message.includes("hunter2"));
      assert.ok(log.lines.some(({ level }) => level === "error"));
    },
  ),
  law(
    "answers INTERNAL when a method breaks before it reads its stream",
    async ({ invoke, listener, log, serializer }) => {
      await listener.update(brokenExposure(Echo, serializer));
      const error = await failure(invoke(Echo.methods.sum, nothing()), "INTERNAL");
      assert.ok(!error.message.includes("hunter2"));
      assert.ok(log.lines.some(({ level }) => level === "error"));
    },
  ),
  law("gives a slow reader all messages of a stream that came before its error", async ({ stream, events }) => {
    const seen: number[] = [];
    const read = async () => {
      for await (const { number } of stream("count", { count: 90, failAfter: 60, padding: 100 })) {
        if (number === 1) await eventually(() => events.finished === 1, 200).catch(() => "it waits for the reader");
        seen.push(number);
      }
    };
    const error = await failure(read(), "FAILED_PRECONDITION");
    assert.equal(error.message, "no more than 60");
    assert.equal(seen.length, 60);
  }),
  law("answers UNIMPLEMENTED for a service that is not offered", async ({ invoke }) => {
    await failure(invoke(Other.methods.ask, emptyNote), "UNIMPLEMENTED");
  }),
  law("answers UNIMPLEMENTED for a method the service does not have", async ({ invoke }) => {
    await failure(invoke(Same.methods.missing, emptyNote), "UNIMPLEMENTED");
  }),
  law("refuses a request that does not fit its type with INVALID_ARGUMENT", async ({ call, events }) => {
    const error = await failure(call("echo", { ...emptyNote, text: 5 }), "INVALID_ARGUMENT");
    assert.match(error.message, /text/);
    assert.equal(events.begun, 0);
  }),
  law("answers INVALID_ARGUMENT to bytes that are no request", async ({ invoke, events, serializer }) => {
    await failure(invoke(Echo.methods.echo, emptyNote, undefined, broken(serializer)), "INVALID_ARGUMENT");
    assert.equal(events.begun, 0);
  }),
  law("answers INVALID_ARGUMENT to bytes that ask for no stream", async ({ invoke, events, serializer }) => {
    await failure(invoke(Echo.methods.count, {}, undefined, broken(serializer)), "INVALID_ARGUMENT");
    assert.equal(events.begun, 0);
  }),
  law("ends a stream with INVALID_ARGUMENT at bytes that are no message", async ({ invoke, serializer }) => {
    async function* notes() {
      yield emptyNote;
    }
    await failure(invoke(Echo.methods.sum, notes(), undefined, broken(serializer)), "INVALID_ARGUMENT");
  }),
  law("tells the caller INTERNAL when it cannot read the response", async ({ invoke, serializer }) => {
    const { contentType, subtype, codec } = serializer;
    const reader: Serializer = { contentType, subtype, codec: (type) => ({ ...codec(type), decode: refuse }) };
    await failure(invoke(Echo.methods.echo, emptyNote, undefined, reader), "INTERNAL");
  }),
  law(
    "answers INTERNAL when the handler's response does not fit its type",
    async ({ invoke, listener, log, serializer }) => {
      const wrong = servedService(Other, { ask: () => ({ text: 5 }) as never }, log);
      await listener.update({ services: [wrong], serializers: new Map([["usual", serializer]]) });
      const error = await failure(invoke(Other.methods.ask, emptyNote), "INTERNAL");
      assert.ok(!/text/.test(error.message), error.message);
      assert.ok(log.lines.some(({ level }) => level === "error"));
    },
  ),
];

async function* nothing() {}

function brokenExposure(service: ServiceType, serializer: Serializer): Exposure {
  const invoke = () => {
    throw new Error("password is hunter2");
  };
  const methods = new Map(Object.entries(service.methods).map(([name, method]) => [name, { method, invoke }]));
  return { services: [{ service, methods }], serializers: new Map([["usual", serializer]]) };
}

function refuse(): never {
  throw new TypeError("nothing can be read");
}

function errorText(_key: string, value: unknown): unknown {
  return value instanceof Error ? value.message : value;
}
