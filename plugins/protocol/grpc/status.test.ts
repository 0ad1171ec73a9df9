import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http2";
import { describe, it } from "node:test";
import { Metadata } from "@grpc/grpc-js";
import { type ErrorCode, noMetadata, StatusError, statusCodes } from "@mortise/kernel";
import { codecOf } from "@mortise/kernel/contract";
import fc from "fast-check";
import { ErrorInfo, errorInfoUrl, RpcStatus, retryInfoUrl } from "./rpc-status.ts";
import { SentHeaders } from "./sent-headers.ts";
import { readError, writeError } from "./status.ts";

const codes = Object.keys(statusCodes).filter((code) => code !== "OK") as ErrorCode[];
const domain = "test.v1.Service";

/** What the other side has of headers that were sent. */
const arrived = (sent: SentHeaders) => Metadata.fromHttp2Headers(sent.toHttp2Headers() as IncomingHttpHeaders);

/** What a client of ours reads of an error that was written. */
function carried(error: StatusError): StatusError {
  const sent = new SentHeaders();
  const details = writeError(error, domain, sent);
  const metadata = arrived(sent);
  return readError({ code: statusCodes[error.code] as number, details, metadata }, noMetadata);
}

const facts = ({ code, message, reason, details, retryable }: StatusError) => ({
  code,
  message,
  reason,
  details,
  retryable,
});

function readDetails(error: StatusError) {
  const trailers = new SentHeaders();
  writeError(error, domain, trailers);
  const [bytes] = arrived(trailers).get("grpc-status-details-bin");
  return bytes === undefined ? undefined : codecOf(RpcStatus).decode(bytes as Buffer);
}

const text = fc.string({ unit: "grapheme", maxLength: 60 });
const anyError = fc
  .record({
    code: fc.constantFrom(...codes),
    message: text,
    reason: fc.option(fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }), { nil: undefined }),
    details: fc.dictionary(text, text, { maxKeys: 8, noNullPrototype: true }),
    retryable: fc.boolean(),
  })
  .map(({ code, message, reason, ...rest }) => new StatusError(code, message, { ...(reason && { reason }), ...rest }));

describe("an error on its way through trailers", () => {
  it("keeps code, message, reason, details and retryable", () => {
    fc.assert(
      fc.property(anyError, (error) => {
        assert.deepEqual(facts(carried(error)), facts(error));
      }),
    );
  });

  it("needs no details where code and message say it all", () => {
    for (const code of codes) assert.equal(readDetails(new StatusError(code, "message")), undefined);
  });

  it("says reason and retryable in the terms others know", () => {
    const options = { reason: "BUSY", details: { queue: "7" }, retryable: true };
    const status = readDetails(new StatusError("ABORTED", "busy", options));
    assert.deepEqual([status?.code, status?.message], [statusCodes.ABORTED, "busy"]);
    assert.deepEqual(
      status?.details.map(({ typeUrl }) => typeUrl),
      [errorInfoUrl, retryInfoUrl],
    );
    const info = codecOf(ErrorInfo).decode(status?.details[0]?.value ?? new Uint8Array());
    assert.deepEqual({ ...info, metadata: [...info.metadata] }, { reason: "BUSY", domain, metadata: [["queue", "7"]] });
  });

  it("keeps a message of 10,000 characters whole, and sends its beginning to everybody", () => {
    const error = new StatusError("INTERNAL", "ä".repeat(5000) + "b".repeat(1000));
    const trailers = new SentHeaders();
    const details = writeError(error, domain, trailers);
    assert.equal(details, `${"ä".repeat(2048)}…`);
    assert.equal(carried(error).message, error.message);
  });

  it("leaves out what is too long for headers, the message last", () => {
    const long = "x".repeat(20_000);
    const message = carried(new StatusError("INTERNAL", long)).message;
    assert.equal(message, `${"x".repeat(2048)}…`);
    const error = carried(new StatusError("INTERNAL", "short", { reason: "R", details: { long } }));
    assert.deepEqual([error.message, error.reason, error.details], ["short", undefined, {}]);
  });

  it("survives lone surrogates", () => {
    const error = carried(
      new StatusError("INTERNAL", "a\ud800b", { reason: "\udc00", details: { "\ud800": "\ud800" } }),
    );
    assert.deepEqual([error.message, error.reason, error.details], ["a\ufffdb", "\ufffd", { "\ufffd": "\ufffd" }]);
  });
});

describe("an error of another gRPC server", () => {
  const read = (code: number, metadata = new Metadata()) => readError({ code, details: "text", metadata }, noMetadata);

  it("is UNKNOWN when its code is none", () => {
    assert.equal(read(99).code, "UNKNOWN");
    assert.equal(read(Number.NaN).code, "UNKNOWN");
  });

  it("is taken for what its code says when its details cannot be read", () => {
    for (const bytes of [Buffer.of(0xff), Buffer.alloc(0), Buffer.from("garbage")]) {
      const metadata = new Metadata();
      metadata.set("grpc-status-details-bin", bytes);
      const { code, message, details } = read(5, metadata);
      assert.deepEqual([code, message, details], ["NOT_FOUND", "text", {}]);
    }
  });

  it("may be tried again when it says so, whatever its code", () => {
    const metadata = new Metadata();
    const status = { code: 10, message: "", details: [{ typeUrl: retryInfoUrl, value: Uint8Array.of(0x0a, 0) }] };
    metadata.set("grpc-status-details-bin", Buffer.from(codecOf(RpcStatus).encode(status)));
    assert.equal(read(10, metadata).retryable, true);
    assert.equal(read(14).retryable, true);
    assert.equal(read(10).retryable, false);
  });
});
