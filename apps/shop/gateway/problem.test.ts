import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError, statusCodes } from "@mortise/kernel";
import { problemOf } from "./problem.ts";

describe("problems", () => {
  it("have a status and a title for every code", () => {
    for (const code of Object.keys(statusCodes)) {
      if (code === "OK") continue;
      const problem = problemOf(new StatusError(code as "UNKNOWN", "because"));
      assert.ok(problem.status >= 400 && problem.status < 600, code);
      assert.notEqual(problem.title, "Error", code);
    }
  });

  it("tell lack of money from other conflicts", () => {
    const noMoney = new StatusError("FAILED_PRECONDITION", "no", { reason: "INSUFFICIENT_FUNDS" });
    const noStock = new StatusError("FAILED_PRECONDITION", "no", { reason: "OUT_OF_STOCK", details: { sku: "a" } });
    assert.equal(problemOf(noMoney).status, 402);
    assert.equal(problemOf(noStock).status, 409);
    assert.deepEqual(problemOf(noStock).details, { sku: "a" });
  });

  it("are 4xx where a key is used up and 5xx where it is not, and say so", () => {
    const told = (code: "ABORTED" | "UNAVAILABLE", reason: string, repeat: string) => {
      const { status, details } = problemOf(new StatusError(code, "no", { reason, details: { repeat } }));
      return [status, details.repeat];
    };
    assert.deepEqual(told("ABORTED", "INTERRUPTED", "new-key"), [409, "new-key"]);
    assert.deepEqual(told("UNAVAILABLE", "STILL_PLACING", "same-key"), [503, "same-key"]);
  });

  it("name the field a service refuses", () => {
    const error = new StatusError("INVALID_ARGUMENT", "Too short.", { details: { field: "password" } });
    assert.deepEqual(problemOf(error).errors, { password: "Too short." });
  });

  it("show nothing of a bug", () => {
    const told = JSON.stringify(problemOf(new Error("password is hunter2")));
    assert.ok(!told.includes("hunter2"));
    assert.equal(problemOf(new Error("x")).status, 500);
  });
});
