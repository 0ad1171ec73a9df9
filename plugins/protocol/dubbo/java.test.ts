import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext, type ErrorCode, metadata, noMetadata, StatusError, statusCodes } from "@mortise/kernel";
import { byteSink } from "@mortise/kernel/contract";
import { HessianObject, type HessianValue } from "@mortise/kernel/hessian";
import { headersOf, replyAttachments, requestAttachments, timeoutOf, trailersOf } from "./attachments.ts";
import { frameStatus } from "./frame.ts";
import { generalized, genericCall } from "./generic.ts";
import { readReply, takesReplyAttachments, writeException, writeResult } from "./hessian-body.ts";
import { errorOfException } from "./java-errors.ts";
import { countParameters, descriptorOf, type JavaMethod } from "./java-method.ts";
import { errorOfStatus, frameStatusOf } from "./status.ts";

const codes = Object.keys(statusCodes).filter((code) => code !== "OK") as ErrorCode[];
const none = new Map<HessianValue, HessianValue>();
const mirrored = { OUT_OF_STOCK: "com.example.SoldOut" };

function written(write: (sink: ReturnType<typeof byteSink>) => void) {
  const sink = byteSink();
  write(sink);
  return readReply(Buffer.from(sink.buffer.subarray(0, sink.position)), 0, sink.position, mirrored);
}

describe("errors between contracts and Java", () => {
  it("keep everything among Mortise processes", () => {
    for (const code of codes) {
      for (const retryable of [true, false]) {
        const error = new StatusError(code, "Lager leer 榫卯", { reason: "WHY", details: { a: "1" }, retryable });
        const read = written((sink) => writeException(sink, error, mirrored, true)).error;
        assert.deepEqual(
          [read?.code, read?.message, read?.reason, read?.details, read?.retryable],
          [code, "Lager leer 榫卯", "WHY", { a: "1" }, retryable],
        );
      }
    }
  });

  it("are the nearest RpcException for Java, or the exception their reason stands for", () => {
    const read = (error: StatusError) => written((sink) => writeException(sink, error, mirrored, false)).error;
    assert.equal(read(new StatusError("DEADLINE_EXCEEDED", "late"))?.code, "DEADLINE_EXCEEDED");
    assert.equal(read(new StatusError("UNAUTHENTICATED", "who"))?.code, "PERMISSION_DENIED");
    assert.equal(read(new StatusError("NOT_FOUND", "where"))?.code, "UNKNOWN");
    const soldOut = read(new StatusError("FAILED_PRECONDITION", "none left", { reason: "OUT_OF_STOCK" }));
    assert.deepEqual([soldOut?.reason, soldOut?.message], ["OUT_OF_STOCK", "none left"]);
  });

  it("come from exceptions by their class, with what is plain in them", () => {
    const thrown = (name: string, fields: Record<string, HessianValue> = {}) =>
      errorOfException(
        new HessianObject(name, new Map(Object.entries({ detailMessage: "m", stackTrace: [], ...fields }))),
        none,
        noMetadata,
        mirrored,
      );
    const seen = ({ code, reason, details }: StatusError) => [code, reason, details];
    assert.deepEqual(seen(thrown("java.lang.IllegalArgumentException")), [
      "INVALID_ARGUMENT",
      "ILLEGAL_ARGUMENT",
      { exception: "java.lang.IllegalArgumentException" },
    ]);
    assert.deepEqual(seen(thrown("com.example.Bank$NoMoneyLeftException", { cents: 5, cause: null })), [
      "UNKNOWN",
      "NO_MONEY_LEFT",
      { exception: "com.example.Bank$NoMoneyLeftException", cents: "5" },
    ]);
    assert.equal(thrown("com.example.SoldOut").reason, "OUT_OF_STOCK");
    assert.equal(thrown("com.alibaba.dubbo.rpc.RpcException", { code: 7 }).code, "RESOURCE_EXHAUSTED");
    const generic = { exceptionClass: "java.util.NoSuchElementException", exceptionMessage: "gone" };
    assert.equal(thrown("org.apache.dubbo.rpc.service.GenericException", generic).code, "NOT_FOUND");
    assert.equal(errorOfException("text only", none, noMetadata, {}).message, "text only");
  });

  it("have a status of the frame where nothing else is known", () => {
    for (const code of codes) {
      const back = errorOfStatus(frameStatusOf(new StatusError(code, "m")), "m");
      const exact = ["INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "RESOURCE_EXHAUSTED", "INTERNAL"];
      assert.equal(back.code, exact.includes(code) ? code : "UNKNOWN");
      assert.equal(back.neverSent, false);
    }
    const refused = new StatusError("UNAVAILABLE", "closing", { neverSent: true });
    assert.equal(frameStatusOf(refused), frameStatus.channelInactive);
    assert.ok(errorOfStatus(frameStatus.channelInactive, "").neverSent);
    assert.equal(errorOfStatus(70, "Not found exported service: a.B").code, "UNIMPLEMENTED");
    assert.equal(errorOfStatus(255, "").code, "UNKNOWN");
  });
});

describe("attachments", () => {
  const java = { interface: "com.example.Orders", group: "blue", version: "1.0.0" } as JavaMethod;
  const sent = { "x-one": "1", "x-many": ["a", "b"], "x-some-bin": Uint8Array.of(1, 2) };

  it("carry headers, context, and what Dubbo asks for, of which a handler sees the headers only", () => {
    const trace = { traceId: "a".repeat(32), spanId: "b".repeat(16), sampled: true, state: "" };
    const attachments = requestAttachments(java, callContext({ metadata: sent, trace }), 1500.2);
    assert.deepEqual(
      ["path", "interface", "group", "version", "timeout"].map((name) => attachments.get(name)),
      ["com.example.Orders", "com.example.Orders", "blue", "1.0.0", "1501"],
    );
    const headers = headersOf(attachments);
    assert.deepEqual(headers.names(), ["x-one", "x-many", "x-some-bin", "traceparent"]);
    assert.deepEqual(headers.getAll("x-many"), ["a", "b"]);
    assert.deepEqual(headers.getBytes("x-some-bin"), Uint8Array.of(1, 2));
  });

  it("tell headers from trailers in a response", () => {
    const attachments = replyAttachments(metadata({ a: "1" }), metadata({ a: "2" }));
    assert.deepEqual([headersOf(attachments).get("a"), trailersOf(attachments).get("a")], ["1", "2"]);
    const read = written((sink) => writeResult(sink, "v", metadata({ a: "1" }), metadata({ b: "2" }), true));
    assert.deepEqual([read.value, read.headers.get("a"), read.trailers.get("b")], ["v", "1", "2"]);
    assert.equal(
      written((sink) => writeResult(sink, null, metadata({ a: "1" }), noMetadata, false)).headers,
      noMetadata,
    );
  });

  it("of Java are shown in lower case and as text, and left out where they cannot be", () => {
    const received = new Map<HessianValue, HessianValue>([
      ["userId", 5n],
      ["Flag", true],
      ["bad name", "x"],
      [7, "x"],
      ["nested", new Map()],
      ["text-bin", "no bytes"],
    ]);
    const headers = headersOf(received);
    assert.deepEqual(headers.names(), ["userid", "flag"]);
    assert.deepEqual([headers.get("userid"), headers.get("flag")], ["5", "true"]);
  });

  it("tell the deadline in each of Dubbo's ways", () => {
    for (const value of ["250", 250, 250n]) assert.equal(timeoutOf(new Map([["timeout", value]])), 250);
    assert.equal(
      timeoutOf(
        new Map([
          ["_TO", "100"],
          ["timeout", "250"],
        ]),
      ),
      100,
    );
    for (const value of ["", "soon", "-1", null]) assert.equal(timeoutOf(new Map([["timeout", value]])), undefined);
  });

  it("of responses are kept from versions of Dubbo that do not know them", () => {
    const versions = {
      "2.0.2": true,
      "2.0.1": false,
      "2.6.2": false,
      "2.6.3": true,
      "2.8.4": false,
      "3.3.0": true,
      "": false,
    };
    for (const [version, takes] of Object.entries(versions))
      assert.equal(takesReplyAttachments(version), takes, version);
  });
});

describe("types of Java", () => {
  it("have the JVM's descriptors", () => {
    const types = [
      "int",
      "java.lang.String",
      "long[]",
      "com.example.A[][]",
      "java.util.List<java.lang.Long>",
      "byte[]",
    ];
    const expected = ["I", "Ljava/lang/String;", "[J", "[[Lcom/example/A;", "Ljava/util/List;", "[B"];
    assert.deepEqual(types.map(descriptorOf), expected);
    assert.equal(countParameters(expected.join("")), types.length);
    assert.equal(countParameters(""), 0);
    for (const bad of ["Q", "Ljava/lang/String", "[", "I;"]) assert.equal(countParameters(bad), undefined, bad);
  });

  it("are named by generic callers, who get maps in place of objects", () => {
    assert.deepEqual(genericCall(["find", ["java.lang.String", "int"], ["a", 1]]), {
      method: "find",
      descriptor: "Ljava/lang/String;I",
      values: ["a", 1],
    });
    assert.equal(genericCall([5, [], []]), undefined);
    const object = new HessianObject(
      "com.example.A",
      new Map<string, HessianValue>([["list", [new HessianObject("B")]]]),
    );
    const map = generalized(object) as Map<string, HessianValue[]>;
    assert.equal(map.get("class"), "com.example.A");
    assert.deepEqual(map.get("list"), [new Map([["class", "B"]])]);
  });
});
