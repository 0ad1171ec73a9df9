import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testFolder } from "./command.fixture.ts";
import type { TransactionExplanation } from "./explain-transaction.ts";

const shop = `
import { defineService, initiates } from "@mortise/kernel";
import { message, operation, operations, rpc, service, string, transaction } from "@mortise/kernel/contract";
const Text = message("shop.v1.Text", { text: string(1) });
const Shop = service("shop.v1.Shop", { buy: rpc(Text, Text) });
const Orders = operations("shop.v1.Orders", { create: operation(Text, Text, { undo: true }) });
const Coupons = operations("shop.v1.Coupons", { use: operation(Text, Text, { rejects: ["USED"] }) });
const Points = operations("shop.v1.Points", { add: operation(Text, Text) });
const placeOrder = transaction("placeOrder", {
  input: Text,
  needs: { isolation: "none", reply: "final" },
  plan: (p) => p
    .step("order", Orders.operations.create, (input) => input)
    .step("coupon", Coupons.operations.use, (input) => input, { after: ["order"] })
    .step("points", Points.operations.add, (input) => input, { afterCommit: true }),
});
export const shop = defineService(Shop, {
  name: "shop",
  description: "Sells",
  needs: { place: initiates(placeOrder) },
  setup: ({ deps }) => ({ handlers: { buy: async (text) => { await deps.place.run(text); return text; } } }),
});
`;

const yaml = (strategy: string) => `app: shop
use: { protocol: grpc, registry: memory, coordinator: memory }
options: { protocol/grpc: { port: 0 } }
services: [shop]
transactions:
  placeOrder: { strategy: ${strategy} }
  "*": { maxInFlight: 50 }
`;

const files = (strategy: string) => ({ "shop/shop.ts": shop, "app.yaml": yaml(strategy) });

describe("an app with transactions", () => {
  it("is explained transaction by transaction, with the place of every value", async () => {
    await using folder = await testFolder(files("tcc"));
    const { out, err } = await folder.run(["explain", "app.yaml", "placeOrder", "--json"]);
    assert.equal(err, "");
    const { said, honest, branches, begunBy } = JSON.parse(out) as TransactionExplanation;
    assert.deepEqual(begunBy, ["service/shop"]);
    assert.deepEqual(said, [
      { name: "strategy", value: "tcc", from: "placeOrder", location: { file: "app.yaml", line: 6, column: 27 } },
      { name: "deadlineMs", value: 30_000 },
      { name: "maxInFlight", value: 50, from: "*", location: { file: "app.yaml", line: 7, column: 23 } },
    ]);
    assert.deepEqual(honest, ["3pc", "tcc", "xa"]);
    assert.deepEqual(
      branches.map(({ participant, after, afterCommit }) => ({ participant, after, afterCommit })),
      [
        { participant: "shop.v1.Orders", after: [], afterCommit: false },
        { participant: "shop.v1.Coupons", after: ["b1"], afterCommit: false },
        { participant: "shop.v1.Points", after: [], afterCommit: true },
      ],
    );
    const forPeople = (await folder.run(["explain", "app.yaml", "placeOrder"])).out;
    assert.match(forPeople, /^placeOrder {2}version 1, isolation none, final reply\n/);
    assert.match(forPeople, /strategy +"tcc" +transactions, placeOrder \(app\.yaml:6:27\)\n/);
    assert.match(forPeople, /b2 +shop\.v1\.Coupons: coupon +after b1\n/);
    assert.match(forPeople, /b3 +shop\.v1\.Points: points +after the commit\n/);
    const system = (await folder.run(["explain", "app.yaml"])).out;
    assert.match(system, /\ntransactions begun here:\n {2}placeOrder {2}tcc\n$/);
    assert.match(forPeople, /honest here: 3pc, tcc, xa\nbegun by service\/shop\n$/);
  });

  it("is suggested where its name is misspelt", async () => {
    await using folder = await testFolder(files("tcc"));
    const { code, err } = await folder.run(["explain", "app.yaml", "placeOrdr"]);
    assert.equal(code, 2);
    assert.match(
      err,
      /^error: "placeOrdr" is no method, and no transaction that is begun here\. Did you mean placeOrder\?/m,
    );
  });

  it("is refused with a dishonest strategy, whether it is written or set", async () => {
    await using folder = await testFolder(files("saga"));
    const { code, err } = await folder.run(["check", "app.yaml"]);
    assert.equal(code, 1);
    assert.match(
      err,
      /^app\.yaml:6:27 {2}transaction placeOrder: DTX002 saga: step 'coupon' has no undo\. .*Honest here: 3pc, tcc, xa\.\n/,
    );
    const set = await folder.run(["check", "app.yaml", "--set", "transactions.placeOrder.strategy=xz"]);
    assert.match(
      set.err,
      /^--set transactions\.placeOrder\.strategy {2}.*DTX001 xz: there is no such strategy\. Did you mean xa\?/,
    );
  });

  it("is warned about under a name nobody begins, and the check goes well", async () => {
    await using folder = await testFolder(files("tcc"));
    const { code, err } = await folder.run(["check", "app.yaml", "--set", "transactions.placeOrdr.strategy=xa"]);
    assert.equal(code, 0);
    assert.match(err, /warning: no service here begins a transaction placeOrdr\. Did you mean placeOrder\?/);
  });

  it("takes another strategy while it runs, and refuses one that would be dishonest", async () => {
    await using folder = await testFolder(files("tcc"));
    const app = await folder.start(["app.yaml"]);
    const applied = (entry: { readonly message: string }) =>
      entry.message === "the change of the configuration is applied";
    await folder.put("app.yaml", yaml("saga"));
    const refused = await app.logged(({ message }) => /DTX002/.test(message));
    assert.equal(refused.level, "error");
    await folder.put("app.yaml", yaml("xa"));
    assert.deepEqual((await app.logged(applied)).started, ["transaction-policies/config"]);
    assert.equal((await app.stop()).code, 0);
  });
});
