import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { filling, startupOf } from "./startup.ts";

/** A StartupMessage as PostgreSQL describes it. */
function startup(parameters: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}\0${value}\0`);
  const message = Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 3, 0, 0]), Buffer.from(`${pairs.join("")}\0`)]);
  message.writeInt32BE(message.length);
  return message;
}

const user = { user: "shop", database: "order" };
const wanted = startup({ ...user, application_name: "mortise" });
const long = startup({ ...user, ...filling, application_name: "mortise" });

describe("startupOf", () => {
  it("leaves out the filling, which is long enough to be written at once", () => {
    assert.ok(long.length >= 1024);
    assert.deepEqual(startupOf(long), wanted);
  });

  it("leaves out whatever an earlier connection has left, also what looks like a startup", () => {
    const left = fc.oneof(fc.uint8Array({ maxLength: 1023 }), fc.constant(wanted), fc.constant(long));
    fc.assert(fc.property(left, (bytes) => assert.deepEqual(startupOf(Buffer.concat([bytes, long])), wanted)));
  });

  it("is not led astray by what was left and says that it reaches to the end", () => {
    const left = Buffer.from([0, 0, 0, 0, 0, 3, 0, 0, 1, 2, 3]);
    left.writeInt32BE(left.length + long.length);
    assert.deepEqual(startupOf(Buffer.concat([left, long])), wanted);
  });

  it("leaves a startup without filling as it is, and what is none", () => {
    assert.deepEqual(startupOf(wanted), wanted);
    const cancel = Buffer.from("00000010" + "04d2162e" + "0000002a" + "0000002b", "hex");
    assert.deepEqual(startupOf(cancel), cancel);
    fc.assert(fc.property(fc.uint8Array(), (bytes) => startupOf(bytes).length <= bytes.length));
  });
});
