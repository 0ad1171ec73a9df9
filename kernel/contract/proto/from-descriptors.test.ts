import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { create, createFileRegistry, fromBinary, fromJsonString, toBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { StatusError } from "../../call/status.ts";
import { codecOf } from "../codec/codec.ts";
import { jsonOf } from "../json/json.ts";
import { redact } from "../json/redact.ts";
import { ContractError } from "../message.ts";
import { protoWorkspace } from "../testing/ts-proto.ts";
import type { MessageType } from "../types.ts";
import { FileDescriptorSet } from "./descriptor.ts";
import { contractsFromDescriptors } from "./from-descriptors.ts";
import { protoFiles } from "./print.ts";

// Files as other people write them.
const files = {
  "old.proto": `syntax = "proto2";
enum mood { GOOD = 1; BAD = 2; }
message person {
  required string full_name = 1;
  optional int32 AGE = 2 [default = 42];
  repeated sint32 scores = 3;
  optional mood Mood = 4;
  optional group Address = 5 { optional string street = 1; }
  message Pet { optional string name = 1; }
  repeated Pet pets = 6;
  oneof contact { string e_mail = 7; Pet carrier = 8; }
  extensions 100 to 200;
}
service directory { rpc find (person) returns (stream person); }
`,
  "edition.proto": `edition = "2023";
package modern;
import "google/protobuf/struct.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/field_mask.proto";
option features.field_presence = IMPLICIT;
message Thing {
  int32 plain = 1;
  int32 seen = 2 [features.field_presence = EXPLICIT];
  string must = 3 [features.field_presence = LEGACY_REQUIRED];
  map<string, Thing> inner = 4;
  string password = 5 [debug_redact = true];
  google.protobuf.Value any = 6;
  google.protobuf.Int64Value wrapped = 7;
  google.protobuf.FieldMask mask = 8;
  Kind kind = 9;
}
enum Kind { KIND_NONE = 0; KIND_SOME = 1; }
`,
};

const workspace = await protoWorkspace(new Map());
after(() => workspace[Symbol.asyncDispose]());
await mkdir(join(workspace.dir, "proto"), { recursive: true });
for (const [name, text] of Object.entries(files)) await writeFile(join(workspace.dir, "proto", name), text);
await workspace.buf("build", "--as-file-descriptor-set", "-o", "set.binpb");
const set = await readFile(join(workspace.dir, "set.binpb"));
const { messages, services, enums } = contractsFromDescriptors(set);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, set));

function both(name: string) {
  const schema = registry.getMessage(name);
  const type = messages.get(name) as MessageType<object>;
  assert.ok(schema && type, name);
  return {
    ours: codecOf(type),
    ourJson: jsonOf(type),
    theirBytes: (json: unknown) => toBinary(schema, fromJsonString(schema, JSON.stringify(json), { registry })),
    theirJson: (bytes: Uint8Array) => toJson(schema, fromBinary(schema, bytes), { registry }),
  };
}

describe("contracts of others", () => {
  it("in proto2 keep their names, presence and required fields, and pass over groups and extensions", () => {
    const person = messages.get("person");
    assert.deepEqual(
      person?.fields.map(({ name, presence, oneof }) => [name, presence, oneof]),
      [
        ["fullName", "required", undefined],
        ["AGE", "optional", undefined],
        ["scores", "implicit", undefined],
        ["Mood", "optional", undefined],
        ["pets", "implicit", undefined],
        ["eMail", "optional", "contact"],
        ["carrier", "optional", "contact"],
      ],
    );
    assert.deepEqual(enums.get("mood"), { kind: "enum", name: "mood", values: { GOOD: 1, BAD: 2 }, unprefixed: true });
    const { ours, theirBytes } = both("person");
    const bytes = theirBytes({
      fullName: "Ann",
      AGE: 0,
      scores: [-1, 300],
      Mood: "BAD",
      address: { street: "x" },
      pets: [{ name: "Rex" }],
      carrier: {},
    });
    assert.deepEqual(ours.decode(bytes), {
      fullName: "Ann",
      AGE: 0,
      scores: [-1, 300],
      Mood: 2,
      pets: [{ name: "Rex" }],
      contact: { $case: "carrier", value: { name: undefined } },
    });
    assert.throws(() => ours.decode(new Uint8Array(0)), /person, field fullName: is required/);
  });

  it("have services and methods by their own names", () => {
    const find = services.get("directory")?.methods.find;
    assert.equal(find?.path, "directory/find");
    assert.equal(find?.kind, "server-stream");
    assert.equal(find?.input, messages.get("person"));
  });

  it("in editions have the presence their features say", () => {
    const presence = messages
      .get("modern.Thing")
      ?.fields.slice(0, 3)
      .map((field) => field.presence);
    assert.deepEqual(presence, ["implicit", "optional", "required"]);
    assert.ok(messages.get("modern.Thing")?.fields[4]?.sensitive);
  });

  it("are printed and read in JSON as others do", () => {
    const { ours, ourJson, theirBytes, theirJson } = both("modern.Thing");
    const json = {
      plain: 5,
      seen: 0,
      must: "",
      inner: { a: { must: "x", kind: "KIND_SOME" } },
      any: { list: [1, "two", null, true, { deep: [] }] },
      wrapped: "9007199254740993",
      mask: "fullName,pets.name",
    };
    const value = ourJson.fromJson(json);
    assert.deepEqual(ours.decode(theirBytes(json)), value);
    assert.deepEqual(ourJson.toJson(value), theirJson(ours.encode(value)));
    assert.deepEqual(ourJson.toJson(value), json);
    assert.deepEqual(ourJson.toJson(ourJson.fromJson({ must: "", any: null })), { must: "", any: null });
  });

  it("can be printed again without losing a name", () => {
    const text = [...protoFiles(messages.values()).values()].join("\n");
    for (const name of ["message person", "int32 AGE = 2", "mood Mood = 4", "string e_mail = 7", "GOOD = 1"])
      assert.ok(text.includes(name), name);
  });

  it("are refused where they use what they do not declare, and when they are no descriptors", () => {
    const { file, ...rest } = fromBinary(FileDescriptorSetSchema, set);
    const alone = { ...rest, file: file.filter(({ name }) => name === "edition.proto") };
    const broken = contractsFromDescriptors(toBinary(FileDescriptorSetSchema, alone));
    assert.throws(
      () => codecOf(broken.messages.get("modern.Thing") as MessageType).decode(new Uint8Array(0)),
      /modern\.Thing\.any refers to google\.protobuf\.Value, which the descriptors do not declare/,
    );
    assert.throws(() => contractsFromDescriptors(Buffer.from("ffff", "hex")), /FileDescriptorSet/);
    for (const numbers of [[0], [-5], [1, 1], [2 ** 29]]) {
      const field = numbers.map((number, i) => ({ name: `f${i}`, number, type: 5, label: 1 }));
      const descriptors = create(FileDescriptorSetSchema, {
        file: [{ name: "a.proto", messageType: [{ name: "A", field }] }],
      });
      const bytes = toBinary(FileDescriptorSetSchema, descriptors);
      assert.throws(
        () => contractsFromDescriptors(bytes),
        /message A, field f\d: number -?\d+ is used twice or out of range/,
      );
    }
  });

  it("refuse values that are not what Google's messages hold", () => {
    const { ourJson } = both("modern.Thing");
    const thing = ourJson.fromJson({ must: "" });
    const wrong = [
      { any: {} },
      { any: { kind: { $case: "numberValue", value: Number.NaN } } },
      { any: { kind: { $case: "structValue", value: { fields: {} } } } },
      { any: { kind: { $case: "listValue", value: { values: 5 } } } },
      { wrapped: { value: 5 } },
      { mask: { paths: ["noCamelCase"] } },
      { mask: {} },
    ];
    for (const change of wrong)
      assert.throws(
        () => ourJson.toJson({ ...thing, ...change }),
        { code: "INVALID_ARGUMENT" },
        Object.keys(change)[0],
      );
  });

  it("are read or refused with one error, whatever their descriptors hold", () => {
    // Read and written once, which leaves out comments.
    const bytes = codecOf(FileDescriptorSet).encode(codecOf(FileDescriptorSet).decode(set));
    const edit = fc.record({ at: fc.nat(), byte: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const changed = Buffer.from(bytes);
        for (const { at, byte } of edits) changed[at % changed.length] = byte;
        try {
          for (const type of contractsFromDescriptors(changed).messages.values()) {
            const value = codecOf(type).decode(new Uint8Array(0));
            jsonOf(type).toJson(value);
            redact(type, value);
          }
        } catch (error) {
          assert.ok(error instanceof StatusError || error instanceof ContractError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
