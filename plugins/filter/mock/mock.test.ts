import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { callContext, type ErrorCode, noMetadata, type Reply, StatusError } from "@mortise/kernel";
import { filterConformance } from "@mortise/kernel/spi/filter.conformance";
import { Sample, sampleCall, sampleSite, virtualPorts } from "@mortise/kernel/testing";
import { mock } from "./mock.ts";
import { mockFilter } from "./mock-filter.ts";

const reply: Reply = { response: { text: "real" }, headers: noMetadata, trailers: () => noMetadata };

filterConformance({ name: "mock", make: () => ({ subject: () => mockFilter }) });

describe("filter/mock", () => {
  const wrapped = (mock: string) => mockFilter.wrap(sampleSite({ policy: { fields: { mock } } }));
  const call = (request = { key: "k", number: 3 }) => sampleCall(callContext({}, virtualPorts()), { request });
  const forced = async (mock: string) => (await wrapped(mock)?.(() => assert.fail("it was called"))(call()))?.response;
  const failing = (mock: string, code: ErrorCode) =>
    wrapped(mock)?.(() => Promise.reject(new StatusError(code, "sick")))(call());

  it("answers with JSON of the answer's type without calling", async () => {
    assert.deepEqual(await forced('force:return {"text": "hi"}'), { text: "hi" });
    assert.deepEqual(await forced("force: return {`text`: `hi`}"), { text: "hi" });
    for (const nothing of ["force", "force:return", "force:return null", "force:return empty"]) {
      assert.deepEqual(await forced(nothing), { text: "" });
    }
  });

  it("answers only failures that are not the caller's own with fail", async () => {
    for (const code of ["UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "RESOURCE_EXHAUSTED"] as const) {
      assert.deepEqual((await failing('fail:return {"text": "soon"}', code))?.response, { text: "soon" });
    }
    for (const code of ["NOT_FOUND", "PERMISSION_DENIED", "CANCELLED", "FAILED_PRECONDITION"] as const) {
      await assert.rejects(failing("fail:return", code) as Promise<Reply>, { code, message: "sick" });
    }
    assert.equal(await wrapped("fail:return")?.(async () => reply)(call()), reply);
  });

  it("fails with the status it is told", async () => {
    await assert.rejects(forced("force:throw"), { code: "UNAVAILABLE", reason: "DEGRADED" });
    await assert.rejects(forced("force:throw NOT_FOUND closed for repairs"), {
      code: "NOT_FOUND",
      message: "closed for repairs",
    });
    assert.throws(() => wrapped("force:throw NOPE"), /"NOPE" is no status/);
  });

  it("asks a function of a module", async () => {
    const dir = await mkdtemp(join(tmpdir(), "mortise-mock-"));
    const file = join(dir, "mocks.mjs");
    await writeFile(file, "export const twice = async ({ number }) => ({ text: String(number * 2) });");
    assert.deepEqual(await forced(`force:call ${file}#twice`), { text: "6" });
    await assert.rejects(forced(`force:call ${file}#thrice`), /exports no function thrice/);
    await assert.rejects(forced(`force:call ${file}.gone#twice`), /cannot be loaded from/);
    await rm(dir, { recursive: true });
  });

  it("says what is wrong with a mock, and where in its answer", () => {
    assert.match(JSON.stringify(mock.policy.mock?.["~standard"].validate("fail:retrun {}")), /write return <json>/);
    assert.throws(() => wrapped('force:return {"txt": "hi"}'), /txt/);
    assert.throws(() => wrapped("force:call nothing"), /write call <file>#<export>/);
  });

  it("leaves streams of answers alone", () => {
    const site = sampleSite({ method: Sample.methods.watch, policy: { fields: { mock: "force:return" } } });
    assert.equal(mockFilter.wrap(site), undefined);
  });

  it("is the plugin filter/mock", () => assert.equal(mock.id, "filter/mock"));
});
