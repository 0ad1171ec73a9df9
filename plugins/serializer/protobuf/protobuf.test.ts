import assert from "node:assert/strict";
import { it } from "node:test";
import { int32, message, string } from "@mortise/kernel/contract";
import { serializerConformance } from "@mortise/kernel/spi/serializer.conformance";
import { protobuf, protobufSerializer } from "./protobuf.ts";

serializerConformance({ name: "protobuf", make: () => ({ subject: protobufSerializer }) });

it("writes what protobuf's encoding page shows", () => {
  const Test1 = message("test.v1.Test1", { a: int32(1), b: string(2) });
  const codec = protobufSerializer.codec(Test1);
  assert.equal(Buffer.from(codec.encode({ a: 150, b: "testing" })).toString("hex"), "089601120774657374696e67");
});

it("skips fields it does not know", () => {
  const Old = message("test.v1.Old", { a: int32(1) });
  const New = message("test.v1.New", { a: int32(1), b: string(2), c: int32(900) });
  const bytes = protobufSerializer.codec(New).encode({ a: 1, b: "new", c: 3 });
  assert.deepEqual(protobufSerializer.codec(Old).decode(bytes), { a: 1 });
});

it("is the plugin serializer/protobuf", () => {
  assert.equal(protobuf.id, "serializer/protobuf");
});
