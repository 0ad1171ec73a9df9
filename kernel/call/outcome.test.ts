import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { LogFields } from "../core/plugin.ts";
import { Sample } from "../testing/samples.ts";
import { virtualPorts } from "../testing/virtual-ports.ts";
import { callContext } from "./call-context.ts";
import { metadata } from "./metadata.ts";
import { asReplied, asStatusError, handlerError, statusData, statusFromData } from "./outcome.ts";
import { type ErrorCode, StatusError, statusCodes } from "./status.ts";

const codes = Object.keys(statusCodes).filter((code) => code !== "OK") as ErrorCode[];

describe("a status as data", () => {
  it("comes back as it went", () => {
    const error = fc.record({
      code: fc.constantFrom(...codes),
      message: fc.string(),
      reason: fc.option(fc.string(), { nil: undefined }),
      details: fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
      retryable: fc.boolean(),
    });
    fc.assert(
      fc.property(error, ({ code, message, reason, details, retryable }) => {
        const sent = new StatusError(code, message, { details, retryable, ...(reason !== undefined && { reason }) });
        const back = statusFromData(JSON.parse(JSON.stringify(statusData(sent))));
        assert.deepEqual(statusData(back), statusData(sent));
        assert.deepEqual([back.message, back.retryable], [message, retryable]);
      }),
    );
  });

  it("is UNKNOWN when it is none, and never throws", () => {
    fc.assert(fc.property(fc.anything(), (data) => void statusFromData(data)));
    assert.equal(statusFromData({ code: "OK" }).code, "UNKNOWN");
    assert.equal(statusFromData({ code: "toString" }).code, "UNKNOWN");
    assert.deepEqual(statusFromData({ code: "ABORTED", details: { a: "1", b: 2 } }).details, { a: "1" });
  });
});

describe("what a handler threw", () => {
  const lines: [string, LogFields | undefined][] = [];
  const log = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (m: string, f?: LogFields) => lines.push([m, f]),
  };
  const tools = { log, ids: virtualPorts().ids };

  it("is passed on when it is a status", () => {
    const error = new StatusError("NOT_FOUND", "no such thing");
    assert.equal(handlerError(error, Sample.methods.read, callContext(), tools), error);
  });

  it("is INTERNAL with an id when it is a bug, and only the log tells more", () => {
    const bug = new TypeError("secret");
    const { code, message, details } = handlerError(bug, Sample.methods.read, callContext(), tools);
    assert.equal(code, "INTERNAL");
    assert.doesNotMatch(message, /secret/);
    assert.match(message, new RegExp(details.errorId ?? "no id"));
    assert.deepEqual(lines, [
      ["the handler of mortise.sample.v1.Sample/Read failed", { errorId: details.errorId, error: bug }],
    ]);
  });

  it("is UNAVAILABLE when the store did not answer, however that was wrapped, and no bug", () => {
    const failure = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more });
    const codeFor = (error: unknown) => handlerError(error, Sample.methods.read, callContext(), tools).code;
    for (const code of ["57P01", "57P02", "57P03", "08006", "53300", "CONNECTION_CLOSED", "STORE_UNREACHABLE"])
      assert.equal(codeFor(new Error("Failed query", { cause: failure(code) })), "UNAVAILABLE", code);
    for (const code of ["ECONNREFUSED", "ECONNRESET", "EPIPE", "ENOENT"]) {
      assert.equal(codeFor(failure(code, { query: "select 1" })), "UNAVAILABLE", code);
      assert.equal(codeFor(failure(code)), "INTERNAL", code);
    }
    for (const code of ["23505", "57014", "40001"]) assert.equal(codeFor(failure(code)), "INTERNAL", code);
  });

  it("is the cancellation when there was one", () => {
    const context = callContext();
    const reason = new StatusError("CANCELLED", "stop");
    context.cancel(reason);
    assert.equal(handlerError(new Error("aborted"), Sample.methods.read, context, tools), reason);
  });

  it("leaves the server with the handler's trailers and as sent", () => {
    const trailers = metadata({ own: "1" });
    const nested = new StatusError("UNAVAILABLE", "down", {
      neverSent: true,
      trailers: metadata({ theirs: "1" }),
      reason: "R",
      details: { a: "b" },
    });
    const replied = asReplied(nested, trailers);
    assert.deepEqual([replied.neverSent, replied.trailers, replied.cause], [false, trailers, nested]);
    assert.deepEqual(statusData(replied), statusData(nested));
    const plain = new StatusError("ABORTED", "x");
    assert.equal(asReplied(plain, plain.trailers), plain);
  });
});

it("gives every error a status", () => {
  assert.equal(asStatusError(new Error("plugin's mistake")).code, "INTERNAL");
  assert.equal(asStatusError("text").message, "text");
});
