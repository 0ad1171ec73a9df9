import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_timestamp,
} from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { codecOf } from "../codec/codec.ts";
import {
  bool,
  ContractError,
  Empty,
  field,
  message,
  repeated,
  rpc,
  service,
  string,
  timestamp,
  topic,
} from "../index.ts";
import * as orderContracts from "../testing/contracts/order.ts";
import { messageTypes } from "../testing/message-types.ts";
import { messageValues } from "../testing/message-values.ts";
import { protoWorkspace } from "../testing/ts-proto.ts";
import type { MessageType } from "../types.ts";
import type { Contract } from "./files.ts";
import { contractsFromDescriptors } from "./from-descriptors.ts";
import { protoFiles } from "./print.ts";
import { fileDescriptorSet } from "./to-descriptors.ts";

const { orders: _values, ...orderExports } = orderContracts;
const seed = Number(process.env.FC_SEED ?? Math.floor(Math.random() * 2 ** 31));
const random = fc.sample(messageTypes({ required: false }), { numRuns: 30, seed }).map(([root]) => root as MessageType);

// Places where a short name would mean something else.
const Line = message("acme.shop.v1.Line", { ok: bool(1) });
const Inner = message("acme.shop.v1.Outer.Line", { top: field(1, Line) });
const Outer = message("acme.shop.v1.Outer", { inner: field(1, Inner), top: field(2, Line), far: field(3, Empty) });
const Far = message("shop.other.v1.Far", { ok: bool(1) });
const Near = message("acme.near.v1.Near", { far: field(1, Far), line: field(2, Line), inner: field(3, Inner) });
const Clashes = service("acme.shop.v1.Clashes", { outer: rpc(Outer, Line), line: rpc(Line, Outer) });

const all: readonly Contract[] = [...Object.values(orderExports), ...random, Near, Clashes];
const workspace = await protoWorkspace(protoFiles(all));
after(() => workspace[Symbol.asyncDispose]());

/** The files of a descriptor set without what only one side knows: comments, and which fields are sensitive. */
function comparable(bytes: Uint8Array): Map<string, Uint8Array> {
  const strip = (type: DescriptorProto): void => {
    for (const each of type.field) delete each.options;
    for (const each of type.nestedType) strip(each);
  };
  const { file: files } = fromBinary(FileDescriptorSetSchema, bytes);
  return new Map(
    files.map((file) => {
      delete file.sourceCodeInfo;
      for (const type of file.messageType) strip(type);
      return [file.name, toBinary(FileDescriptorProtoSchema, file)];
    }),
  );
}

describe(`the .proto files of contracts (seed ${seed})`, () => {
  it("satisfy buf's linter and formatter", async () => {
    assert.equal(await workspace.buf("lint"), "");
    assert.equal(await workspace.buf("format", "--diff", "--exit-code"), "");
  });

  it("compile to the descriptors the contracts give themselves", async () => {
    await workspace.buf("build", "--as-file-descriptor-set", "-o", "set.binpb");
    const compiled = comparable(await readFile(join(workspace.dir, "set.binpb")));
    assert.deepEqual(comparable(fileDescriptorSet(all)), compiled);
  });

  it("do not change with the order of declarations or of exports", () => {
    assert.deepEqual(protoFiles(all.toReversed()), protoFiles(all));
  });

  it("guard what was published: buf refuses a changed number", async () => {
    await writeFile(join(workspace.dir, "lock.binpb"), fileDescriptorSet([Line]));
    await writeFile(
      join(workspace.dir, "new.binpb"),
      fileDescriptorSet([message("acme.shop.v1.Line", { ok: bool(2) })]),
    );
    await workspace.buf("breaking", "lock.binpb", "--against", "lock.binpb");
    await assert.rejects(
      workspace.buf("breaking", "new.binpb", "--against", "lock.binpb"),
      /Previously present field "1"/,
    );
  });

  it("know each package by one file, named after it", () => {
    assert.deepEqual(
      [...protoFiles([Near, Clashes]).keys()],
      ["acme/shop/v1/shop.proto", "shop/other/v1/other.proto", "acme/near/v1/near.proto"],
    );
  });
});

describe("descriptors of contracts", () => {
  it("declare Google's files as Google does", () => {
    const known = message("a.v1.Known", { at: timestamp(1) });
    const files = comparable(
      fileDescriptorSet([service("a.v1.All", { get: rpc(known, Empty) }), orderContracts.Order]),
    );
    for (const { proto } of [file_google_protobuf_timestamp, file_google_protobuf_duration, file_google_protobuf_empty])
      assert.deepEqual(files.get(`${proto.name}`), toBinary(FileDescriptorProtoSchema, proto));
  });

  it("name imported files before those that import them", () => {
    const { file: files } = fromBinary(FileDescriptorSetSchema, fileDescriptorSet(all));
    const seen = new Set<string>();
    for (const { name, dependency } of files) {
      for (const each of dependency) assert.ok(seen.has(each), `${name} before ${each}`);
      seen.add(name);
    }
  });

  it("give the same contracts back", () => {
    const { services, messages, enums } = contractsFromDescriptors(fileDescriptorSet(all));
    const again = [...services.values(), ...messages.values(), ...enums.values()];
    assert.deepEqual(protoFiles(again), protoFiles(all));
    assert.deepEqual(fileDescriptorSet(again), fileDescriptorSet(all));
    const { get, chat } = services.get("test.order.v1.Orders")?.methods ?? {};
    assert.deepEqual(get?.facts, { readOnly: true, idempotent: true, criticality: "normal" });
    assert.equal(chat?.kind, "bidi-stream");
    const card = messages.get("test.order.v1.Order.Card");
    assert.deepEqual(
      card?.fields.map(({ sensitive }) => sensitive),
      [true, false],
    );
  });

  it("give codecs that read and write the same", () => {
    const { messages } = contractsFromDescriptors(fileDescriptorSet(random));
    for (const type of random) {
      const foreign = messages.get(type.name) as MessageType<object>;
      fc.assert(
        fc.property(messageValues(type), (value) => {
          const bytes = codecOf(type as MessageType<object>).encode(value);
          assert.deepEqual(codecOf(foreign).encode(value), bytes);
          assert.deepEqual(codecOf(foreign).decode(bytes), value);
        }),
        { numRuns: 10 },
      );
    }
  });
});

describe("contracts that no file can hold", () => {
  const refuses = (pattern: RegExp, ...contracts: Contract[]) =>
    assert.throws(
      () => protoFiles(contracts),
      (error) => error instanceof ContractError && pattern.test(error.message),
    );

  it("are refused when two differ under one name", () => {
    refuses(/acme\.shop\.v1\.Line is declared twice, and differently/, Line, message(Line.name, { ok: string(1) }));
    protoFiles([Line, message(Line.name, { ok: bool(1) })]);
  });

  it("are refused when packages import each other", () => {
    const A: MessageType<object> = message("a.v1.A", { b: field(1, () => B) });
    const B: MessageType<object> = message("b.v1.B", { a: repeated(field(1, () => A)) });
    refuses(/import each other: a\/v1\/a\.proto → b\/v1\/b\.proto → a\/v1\/a\.proto/, A);
  });

  it("are refused when a message stands in one that is not there", () => {
    refuses(/no message acme\.shop\.v1\.Outer/, topic("acme.shop.v1.Done", Inner));
  });

  it("are refused when a field's type turns out not to be a message", () => {
    const wrong = message("a.v1.Wrong", { it: field(1, () => orderContracts.OrderStatus as never) });
    refuses(/a\.v1\.Wrong, field it: its type is not a message/, wrong);
  });
});
