import assert from "node:assert/strict";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { StatusError } from "../call/status.ts";
import {
  byteSink,
  codecOf,
  contractFromTsProto,
  fileDescriptorSet,
  jsonOf,
  limitedCodec,
  protoFiles,
  redact,
} from "./index.ts";
import * as contracts from "./testing/contracts/order.ts";
import { generateTsProto, protoWorkspace } from "./testing/ts-proto.ts";
import type { TsProtoDefinition, TsProtoMessage } from "./ts-proto.ts";

const { Order, Orders, orders } = contracts;
const workspace = await protoWorkspace(protoFiles([Orders]));
after(() => workspace[Symbol.asyncDispose]());
const load = await generateTsProto(workspace);
const generated: Readonly<Record<string, unknown>> = await load(join("test", "order", "v1", "order.proto"));
const service = contractFromTsProto(generated.OrdersDefinition as TsProtoDefinition);
const { get, place, watch, load: loadMethod, chat } = service.methods;

describe("a contract from a ts-proto definition", () => {
  it("has the methods, kinds, paths and facts of the contract the definition was generated from", () => {
    assert.equal(service.name, Orders.name);
    for (const [name, method] of Object.entries(Orders.methods)) {
      const { path, wireName, kind, facts } = service.methods[name] ?? assert.fail(name);
      assert.deepEqual(
        { path, wireName, kind, facts },
        {
          path: method.path,
          wireName: method.wireName,
          kind: method.kind,
          facts: method.facts,
        },
      );
    }
  });

  it("has one type for each message, however often it is used", () => {
    assert.equal(get?.output, place?.input);
    assert.equal(watch?.input, chat?.input);
    assert.notEqual(loadMethod?.input, chat?.input);
  });

  it("writes ts-proto's bytes and reads ours", () => {
    const codec = codecOf(get?.output ?? assert.fail());
    for (const order of orders) {
      const bytes = codecOf(Order).encode(order);
      assert.deepEqual(codec.encode(order), bytes);
      assert.deepEqual(codecOf(Order).decode(codec.encode(codec.decode(bytes))), codecOf(Order).decode(bytes));
      const sink = byteSink(1);
      codec.encodeInto(order, sink);
      assert.deepEqual(codec.decode(sink.buffer, 0, sink.position), codec.decode(bytes));
    }
  });

  it("speaks ts-proto's JSON", () => {
    const mapping = jsonOf(get?.output ?? assert.fail());
    const json = mapping.toJson(orders[1]);
    assert.deepEqual(json, (generated.Order as TsProtoMessage<unknown>).toJSON?.(orders[1]));
    assert.deepEqual((mapping.fromJson(json) as contracts.Order).lines, orders[1]?.lines);
  });

  it("turns whatever ts-proto throws into INVALID_ARGUMENT", () => {
    const codec = codecOf(get?.output ?? assert.fail());
    for (const work of [
      () => codec.decode(Buffer.from("0a05", "hex")),
      () => codec.encode({ ...orders[0], version: 2n ** 64n }),
      () => codec.decode(new Uint8Array(65 * 1024 * 1024)),
    ])
      assert.throws(work, (error) => error instanceof StatusError && error.code === "INVALID_ARGUMENT");
  });

  it("keeps its own codec where limits are asked for", () => {
    const type = get?.output ?? assert.fail();
    assert.equal(limitedCodec(type, { maxDepth: 5 }), codecOf(type));
  });

  it("has no fields to show: descriptors, files and logs leave it out", () => {
    assert.equal(fileDescriptorSet([service]).length, 0);
    assert.equal(protoFiles([service]).size, 0);
    assert.equal(redact(get?.output ?? assert.fail(), orders[1]), "[test.order.v1.Orders.GetResponse]");
  });
});
