import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http2";
import { describe, it } from "node:test";
import { Metadata as GrpcMetadata } from "@grpc/grpc-js";
import { callContext, type MetadataInit, metadata, StatusError, systemPorts } from "@mortise/kernel";
import { inWorld } from "@mortise/kernel/spi/protocol-laws/world";
import { emptyNote } from "@mortise/kernel/spi/serializer.conformance";
import { Echo, silentLog } from "@mortise/kernel/testing";
import fc from "fast-check";
import { grpcProtocol } from "./grpc.ts";
import { addMetadata, receivedMetadata } from "./metadata.ts";
import { options } from "./options.ts";
import { SentHeaders } from "./sent-headers.ts";

const start = () => grpcProtocol({ options: options.parse({}), ports: systemPorts, log: silentLog });

const name = fc.stringMatching(/^x-[0-9a-z_.-]{0,12}[0-9a-z]$/).filter((given) => !given.endsWith("-bin"));
const ascii = fc.stringMatching(/^[\x20-\x7e]{0,24}$/);
const bytes = fc.uint8Array({ maxLength: 40 });
const anyMetadata = fc
  .tuple(
    fc.dictionary(name, fc.array(ascii, { minLength: 1, maxLength: 4 }), { maxKeys: 4 }),
    fc.dictionary(
      name.map((given) => `${given}-bin`),
      fc.array(bytes, { minLength: 1, maxLength: 3 }),
      { maxKeys: 2 },
    ),
  )
  .map(([texts, binaries]): MetadataInit => ({ ...texts, ...binaries }));

const values = (list: readonly (string | Uint8Array)[]) =>
  list.map((value) => (typeof value === "string" ? value : [...value]));

describe("metadata over a connection", () => {
  it("arrives as it was sent, whatever it is: spaces at the ends, empty texts, commas", () =>
    inWorld({ start }, {}, async ({ invoke }) => {
      await fc.assert(
        fc.asyncProperty(anyMetadata, async (sent) => {
          const reply = await invoke(Echo.methods.echo, emptyNote, callContext({ metadata: sent }));
          const expected = metadata(sent);
          assert.deepEqual(reply.headers.names().toSorted(), expected.names().toSorted());
          for (const key of expected.names()) {
            assert.deepEqual(values(reply.headers.getAll(key)), values(expected.getAll(key)), key);
            assert.deepEqual(values(reply.trailers().getAll(`trailing-${key}`)), values(expected.getAll(key)), key);
          }
        }),
        { numRuns: 200 },
      );
    }));

  it("keeps the connection when a header is one that HTTP/2 forbids", () =>
    inWorld({ start }, {}, async ({ call }) => {
      await call("echo", emptyNote);
      const sleeping = call("sleep", { ms: 100 });
      for (const forbidden of ["connection", "host", "transfer-encoding", "upgrade"]) {
        await assert.rejects(call("echo", emptyNote, { metadata: { [forbidden]: "x" } }), {
          code: "INVALID_ARGUMENT",
          message: new RegExp(`"${forbidden}" cannot be sent`),
        });
      }
      const trace = { traceId: "\n", spanId: "", sampled: true, state: "" };
      await assert.rejects(call("echo", emptyNote, { trace }), { code: "INVALID_ARGUMENT", message: /traceparent/ });
      assert.deepEqual(await sleeping, {});
    }));
});

describe("metadata of grpc-js", () => {
  it("shows nothing of what belongs to gRPC and HTTP", () => {
    const received = new GrpcMetadata();
    for (const own of ["grpc-status", "user-agent", "content-type", "date"]) received.set(own, "x");
    received.set("x-mine", "y");
    assert.deepEqual(receivedMetadata(received).names(), ["x-mine"]);
    assert.equal(receivedMetadata(received).get("user-agent"), undefined);
  });

  it("gives the last value of a name, text or bytes", () => {
    const received = receivedMetadata(new GrpcMetadata());
    assert.deepEqual([received.get("a"), received.getBytes("a-bin"), received.getAll("a")], [undefined, undefined, []]);
    const sent = new SentHeaders();
    addMetadata(sent, metadata({ a: ["1", "2"], "a-bin": [Uint8Array.of(1), Uint8Array.of(2)] }));
    const arrived = receivedMetadata(GrpcMetadata.fromHttp2Headers(sent.toHttp2Headers() as IncomingHttpHeaders));
    const [text, binary] = [arrived.get("a"), arrived.getBytes("a-bin")];
    assert.deepEqual([text, [...(binary ?? [])]], ["2", [2]]);
    assert.equal(arrived.get("a-bin"), undefined);
  });

  it("does not believe shapes that do not fit", () => {
    for (const shapes of ["a=1", "a=-1", "a=3@9", "a=999999999", "a=", "a=x.y", "nonsense", ",,=,"]) {
      const received = new GrpcMetadata();
      received.set("a", "text");
      received.set("mortise-shapes", shapes);
      assert.deepEqual(receivedMetadata(received).getAll("a"), ["text"], shapes);
    }
  });

  it("refuses names that HTTP/2 forbids before they reach it", () => {
    assert.throws(() => addMetadata(new SentHeaders(), metadata({ connection: "close" })), StatusError);
  });
});
