import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { bool, ContractError, message, string } from "../index.ts";
import { protoFiles } from "./print.ts";
import {
  checkProto,
  checkProtoFiles,
  contractModules,
  contractsIn,
  describeDrift,
  protoDrift,
  writeProto,
  writeProtoFiles,
} from "./write.ts";

const contractDir = join(import.meta.dirname, "../testing/contracts");
const dir = await mkdtemp(join(tmpdir(), "mortise-write-"));
after(() => rm(dir, { recursive: true }));

const Line = message("acme.shop.v1.Line", { ok: bool(1), name: string(2) });
const files = protoFiles([Line]);
const path = "acme/shop/v1/shop.proto";
const text = files.get(path) ?? "";

describe("drift between contracts and .proto files", () => {
  it("is none where both say the same", () => {
    assert.deepEqual(protoDrift(files, new Map(files)), []);
    assert.equal(describeDrift([], "proto"), "");
  });

  it("names the first line that differs, and the command", () => {
    const drift = protoDrift(files, new Map([[path, text.replace("name = 2", "name = 3")]]));
    assert.deepEqual(drift, [{ path, line: 8, expected: "  string name = 2;", actual: "  string name = 3;" }]);
    assert.equal(
      describeDrift(drift, "proto"),
      `proto/acme/shop/v1/shop.proto:8  the contract says "  string name = 2;", the file "  string name = 3;"
Run \`mortise proto\` to write the files anew.`,
    );
  });

  it("names files that are missing, cut short, or no contract's any more", () => {
    const short = text.split("\n").slice(0, 7).join("\n");
    const lines = (actual: Map<string, string>) => describeDrift(protoDrift(files, actual), "proto").split("\n");
    assert.match(lines(new Map())[0] ?? "", /shop\.proto:1 {2}is missing/);
    assert.match(lines(new Map([[path, short]]))[0] ?? "", /:8 {2}the contract says ".*", the file nothing/);
    assert.match(lines(new Map([...files, ["old.proto", text]]))[0] ?? "", /old\.proto:1 {2}no contract declares/);
  });

  it("does not concern files that others wrote", () => {
    assert.deepEqual(protoDrift(files, new Map([...files, ["theirs.proto", 'syntax = "proto3";']])), []);
  });
});

describe("a folder of .proto files", () => {
  it("is written where it differs, and then checks clean", async () => {
    const changed = await writeProtoFiles(dir, files);
    assert.deepEqual(
      changed.map((each) => each.path),
      [path],
    );
    assert.equal(await readFile(join(dir, path), "utf8"), text);
    assert.deepEqual(await checkProtoFiles(dir, files), []);
    assert.deepEqual(await writeProtoFiles(dir, files), []);
  });

  it("loses the files whose contract is gone, and keeps those of others", async () => {
    await writeFile(join(dir, "theirs.proto"), 'syntax = "proto3";\n');
    await writeProtoFiles(dir, new Map());
    assert.equal(await readFile(join(dir, "theirs.proto"), "utf8"), 'syntax = "proto3";\n');
    await assert.rejects(readFile(join(dir, path)), { code: "ENOENT" });
  });

  it("is written from the contract modules of another", async () => {
    const job = { modules: await contractModules(contractDir), outDir: dir };
    assert.ok((await checkProto(job)).length > 0);
    const changed = await writeProto(job);
    assert.deepEqual(
      changed.map((each) => each.path),
      ["test/money/v1/money.proto", "test/order/v1/order.proto"],
    );
    assert.deepEqual(await checkProto(job), []);
  });
});

describe("contract modules", () => {
  it("give every message, enumeration, service and topic they export, once", async () => {
    const modules = await contractModules(contractDir);
    const contracts = await contractsIn([...modules, ...modules]);
    assert.deepEqual(contracts.map(({ name }) => name).toSorted(), [
      "test.money.v1.Money",
      "test.order.v1.GetOrder",
      "test.order.v1.Order",
      "test.order.v1.Order.Card",
      "test.order.v1.OrderLine",
      "test.order.v1.OrderPaid",
      "test.order.v1.OrderStatus",
      "test.order.v1.Orders",
    ]);
  });

  it("that cannot be loaded are named", async () => {
    await writeFile(join(dir, "broken.ts"), "export const a = (;");
    await assert.rejects(contractsIn([join(dir, "broken.ts")]), (error) => {
      assert.ok(error instanceof ContractError);
      assert.match(error.message, /broken\.ts: /);
      return true;
    });
  });
});
