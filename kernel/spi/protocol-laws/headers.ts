import assert from "node:assert/strict";
import { callContext } from "../../call/call-context.ts";
import type { Metadata, MetadataInit } from "../../call/metadata.ts";
import { statusCodes } from "../../call/status.ts";
import { Echo, type EchoNote } from "../../testing/echo-contract.ts";
import { emptyNote } from "../serializer.conformance.ts";
import { all, failure, law, type World } from "./world.ts";

const sent: MetadataInit = {
  "x-one": "one value",
  "x-many": ["first", "second, with a comma", "", "first"],
  "x-punctuation": 'a=b; c="d" ~!@#$%^&*()',
  "x-one-bin": Uint8Array.of(0, 1, 2, 255, 254, 44, 10),
  "x-many-bin": [Uint8Array.of(1), new Uint8Array(), Uint8Array.from({ length: 300 }, (_, i) => i & 255)],
};

const plain = (metadata: Metadata) =>
  Object.fromEntries(
    metadata
      .names()
      .toSorted()
      .map((name) => [name, metadata.getAll(name).map((value) => (typeof value === "string" ? value : [...value]))]),
  );

const expected = (prefix: string) =>
  Object.fromEntries(
    Object.entries(sent)
      .map(
        ([name, value]) =>
          [prefix + name, (Array.isArray(value) ? value : [value]) as (string | Uint8Array)[]] as const,
      )
      .map(([name, values]) => [name, values.map((value) => (typeof value === "string" ? value : [...value]))]),
  );

const only = (metadata: Record<string, unknown>, prefix: string) =>
  Object.fromEntries(Object.entries(metadata).filter(([name]) => name.startsWith(prefix)));

async function seenBy({ call }: Pick<World, "call">, metadata: MetadataInit) {
  const { metadata: entries } = await call("whoami", {}, { metadata });
  const seen: Record<string, (string | number[])[]> = {};
  for (const { name, text, data } of entries) {
    const values = seen[name] ?? [];
    values.push(name.endsWith("-bin") ? [...data] : text);
    seen[name] = values;
  }
  return seen;
}

/** What protocols carry beside messages. */
export const headerLaws = [
  law("carries headers to the handler: texts, bytes, several of a name", async (world) => {
    assert.deepEqual(only(await seenBy(world, sent), "x-"), expected(""));
  }),
  law("shows the handler no headers that nobody has set", async (world) => {
    assert.deepEqual(await seenBy(world, {}), {});
  }),
  law("carries headers and trailers back", async ({ invoke }) => {
    const reply = await invoke(Echo.methods.echo, emptyNote, callContext({ metadata: sent }));
    assert.deepEqual(plain(reply.headers), expected(""));
    assert.deepEqual(plain(reply.trailers()), expected("trailing-"));
  }),
  law("gives no headers or trailers that nobody has set", async ({ invoke }) => {
    const reply = await invoke(Echo.methods.echo, emptyNote);
    assert.deepEqual(plain(reply.headers), {});
    assert.deepEqual(plain(reply.trailers()), {});
  }),
  law("carries headers ahead of a stream and trailers after it", async ({ invoke }) => {
    async function* notes(): AsyncIterable<EchoNote> {
      yield emptyNote;
      yield emptyNote;
    }
    const reply = await invoke(Echo.methods.chat, notes(), callContext({ metadata: sent }));
    assert.deepEqual(plain(reply.headers), expected(""));
    assert.equal((await all(reply.response as AsyncIterable<unknown>)).length, 2);
    assert.deepEqual(plain(reply.trailers()), expected("trailing-"));
  }),
  law("carries trailers with an error", async ({ invoke }) => {
    const request = { code: statusCodes.NOT_FOUND, message: "m", reason: "R", details: new Map(), bug: false };
    const context = callContext({ metadata: sent });
    const error = await failure(invoke(Echo.methods.fail, request, context), "NOT_FOUND");
    assert.deepEqual(plain(error.trailers), expected("trailing-"));
  }),
  law("carries trace, baggage, tenant and idempotency key", async ({ call }) => {
    const trace = {
      traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
      spanId: "00f067aa0ba902b7",
      sampled: true,
      state: "a=1,b=2",
    };
    const baggage = { user: "Ünal, K.", "x-y": "1=2;3" };
    const seen = await call("whoami", {}, { trace, baggage, tenant: "Müller & Co", idempotencyKey: "order 1/ä" });
    assert.equal(seen.traceId, trace.traceId);
    assert.equal(seen.spanId, trace.spanId);
    assert.equal(seen.sampled, true);
    assert.equal(seen.traceState, trace.state);
    assert.deepEqual(Object.fromEntries(seen.baggage), baggage);
    assert.equal(seen.tenant, "Müller & Co");
    assert.equal(seen.idempotencyKey, "order 1/ä");
  }),
];
