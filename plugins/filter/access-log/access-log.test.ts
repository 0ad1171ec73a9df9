import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext, type Invoker, noMetadata, type Place, type Reply, StatusError } from "@mortise/kernel";
import { message, rpc, sensitive, service, string } from "@mortise/kernel/contract";
import { filterConformance } from "@mortise/kernel/spi/filter.conformance";
import { keptLog, Sample, sampleCall, sampleSite, silentLog, virtualPorts } from "@mortise/kernel/testing";
import { accessLog } from "./access-log.ts";
import { accessLogFilter, fieldNames } from "./access-log-filter.ts";

const all = { at: "both", fields: fieldNames } as const;
const reply: Reply = { response: { text: "there" }, headers: noMetadata, trailers: () => noMetadata };

filterConformance({ name: "access-log", make: () => ({ subject: (ports) => accessLogFilter(all, silentLog, ports) }) });

const Login = message("mortise.test.v1.Login", { name: string(1), password: sensitive(string(2)) });
const Token = message("mortise.test.v1.Token", { user: string(1), token: sensitive(string(2)) });
const { login } = service("mortise.test.v1.Users", { login: rpc(Login, Token) }).methods;

describe("filter/access-log", () => {
  function made(end: Invoker, policy: unknown = {}, place: Place = "provider", options: object = {}) {
    const ports = virtualPorts();
    const log = keptLog();
    const filter = accessLogFilter({ ...all, ...options }, log, ports);
    const site = sampleSite({ place, policy: { fields: { accessLog: policy } } });
    const invoke = filter.wrap(site)?.(end) ?? end;
    const call = (changes: object = {}) =>
      ports.settle(invoke(sampleCall(callContext({ tenant: "t" }, ports), changes)));
    return { ports, log, call };
  }

  it("writes one line per call with what it is told to say", async () => {
    const caller = { name: "gateway", claims: {} };
    const trace = { traceId: "a".repeat(32), spanId: "b".repeat(16), sampled: true, state: "" };
    const { log, call } = made(async () => reply);
    await call({ context: callContext({ tenant: "t", caller, trace }) });
    assert.deepEqual(log.lines, [
      {
        level: "info",
        message: "mortise.sample.v1.Sample/Read OK",
        fields: {
          method: "mortise.sample.v1.Sample/Read",
          place: "provider",
          code: "OK",
          tookMs: 0,
          caller: "gateway",
          tenant: "t",
          trace: "a".repeat(32),
          request: { key: "", number: 0 },
          response: { text: "there" },
        },
      },
    ]);
  });

  it("hides sensitive fields of requests and responses", async () => {
    const { log, call } = made(async () => ({ ...reply, response: { user: "ann", token: "t0ps3cret" } }));
    await call({ method: login, request: { name: "ann", password: "s3cret" } });
    assert.deepEqual(log.lines[0]?.fields.request, { name: "ann", password: "[redacted]" });
    assert.deepEqual(log.lines[0]?.fields.response, { user: "ann", token: "[redacted]" });
    assert.doesNotMatch(JSON.stringify(log.lines), /s3cret/);
  });

  it("writes failures with their reason, those of the server as warnings", async () => {
    const failing = (code: "INTERNAL" | "NOT_FOUND") =>
      made(() => Promise.reject(new StatusError(code, "no", { reason: "WHY" })), { sample: 0 });
    for (const [code, level] of [
      ["INTERNAL", "warn"],
      ["NOT_FOUND", "info"],
    ] as const) {
      const { log, call } = failing(code);
      await assert.rejects(call(), { code });
      assert.deepEqual([log.lines[0]?.level, log.lines[0]?.fields.reason], [level, "WHY"]);
    }
  });

  it("writes a share of the calls, and every slow one", async () => {
    const sampled = made(async () => reply, { sample: 0.25 });
    for (let i = 0; i < 1000; i++) await sampled.call();
    assert.ok(Math.abs(sampled.log.lines.length - 250) < 60, `${sampled.log.lines.length}`);

    const slow = made(
      async (one) => {
        await slow.ports.timers.sleep((one.request as { number: number }).number);
        return reply;
      },
      { sample: 0, slowMs: 100 },
    );
    for (const number of [99, 100, 101]) await slow.call({ request: { key: "", number } });
    assert.deepEqual(
      slow.log.lines.map(({ level, fields }) => [level, fields.tookMs]),
      [
        ["warn", 100],
        ["warn", 101],
      ],
    );
  });

  it("writes a stream when it is over, without its messages", async () => {
    const { log, call } = made(async () => ({
      ...reply,
      response: (async function* () {
        yield { text: "1" };
      })(),
    }));
    const { response } = await call({ method: Sample.methods.watch });
    assert.equal(log.lines.length, 0);
    for await (const _ of response as AsyncIterable<unknown>);
    assert.equal(log.lines.length, 1);
    assert.equal(log.lines[0]?.fields.response, "[stream]");
  });

  it("stands where it is told to, and nowhere where the policy says so", async () => {
    for (const [policy, place, at, lines] of [
      [{}, "provider", "provider", 1],
      [{}, "call", "provider", 0],
      [{}, "call", "call", 1],
      [{}, "attempt", "both", 0],
      [false, "provider", "both", 0],
    ] as const) {
      const { log, call } = made(async () => reply, policy, place, { at });
      await call();
      assert.equal(log.lines.length, lines, `${place} of ${at}`);
    }
  });

  it("is the plugin filter/access-log", () => assert.equal(accessLog.id, "filter/access-log"));
});
