import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { message, operation, operations, rpc, service, string, transaction } from "../contract/index.ts";
import { live, type Needs, optional } from "../core/needs.ts";
import { startPlugin } from "../testing/start-plugin.ts";
import { defineService, type ServiceParts } from "./define-service.ts";
import type { Performer } from "./perform.ts";
import type { Service } from "./service.ts";
import { type Database, type Store, store } from "./store.ts";
import { type Initiator, initiates, type Transactions } from "./transactions.ts";

const Line = message("test.v1.Line", { sku: string(1) });
const Hold = message("test.v1.Hold", { shelf: string(1) });
const Shelf = service("test.v1.Shelf", { look: rpc(Line, Hold) });
const Stock = operations("test.v1.Stock", {
  deduct: operation(Line, Hold, { rejects: ["OUT_OF_STOCK"], undo: true }),
  count: operation(Line, Hold),
});
const Cards = operations("test.v1.Cards", {
  charge: operation(Line, Hold, { acts: "external", rejects: ["DECLINED"] }),
});
const sell = transaction("sell", {
  input: Line,
  needs: { isolation: "none", reply: "final" },
  plan: (plan) =>
    plan
      .step("stock", Stock.operations.deduct, ({ sku }) => ({ sku }))
      .step("count", Stock.operations.count, (_, { stock }) => ({ sku: stock.shelf }), {
        uses: ["stock"],
        afterCommit: true,
      }),
});
const database = { name: "test" } as Database;

const shelfParts: ServiceParts<typeof Shelf, Record<never, never>, typeof Stock> = {
  handlers: { look: () => ({ shelf: "a" }) },
  perform: {
    on: database,
    operations: {
      deduct: {
        reserve: async (_, { sku }, call) => (sku === "none" ? call.reject("OUT_OF_STOCK") : { shelf: sku }),
        confirm: async (_, __, { shelf }) => void shelf.length,
        cancel: async () => {},
        undo: async () => {},
        reserveMany: async (_, items) => items.map(({ input }) => ({ output: { shelf: input.sku } })),
      },
      count: { reserve: async () => ({ shelf: "b" }), confirm: async () => {}, cancel: async () => {} },
    },
  },
};

const shelf = defineService(Shelf, {
  description: "Shelves",
  operations: Stock,
  setup: ({ log }) => ({ ...shelfParts, handlers: { look: () => ({ shelf: log ? "a" : "b" }) } }),
});

describe("a service with operations", () => {
  it("tells before it runs what it performs, and serves how transactions reach it", async () => {
    assert.deepEqual(shelf.facts.performs, [Stock]);
    assert.deepEqual(
      (shelf.facts.contracts as readonly { readonly name: string }[]).map(({ name }) => name),
      ["test.v1.Shelf", "test.v1.Stock"],
    );
    const seen: Performer[] = [];
    const stopped: string[] = [];
    const offer = { service: Stock.service, handlers: {} };
    const transactions: Partial<Transactions> = {
      perform: async (performer) => {
        seen.push(performer);
        return { offer, listens: [], stop: async () => void stopped.push("stopped") };
      },
    };
    const running = await startPlugin<Service>(shelf, { deps: { "(operations)": transactions } });
    assert.equal(seen[0]?.operations, Stock);
    assert.equal(seen[0]?.database, database);
    assert.deepEqual(Object.keys(seen[0]?.perform ?? {}), ["deduct", "count"]);
    assert.equal(running.api.offers[1], offer);
    await running.stop?.();
    assert.deepEqual(stopped, ["stopped"]);
  });

  it("has each database its setup opens freed until it is hosted, and no longer", async () => {
    const seen: string[] = [];
    const databases = new Map([database, { name: "other" } as Database].map((one) => [one.name, one]));
    const given: Store = { database: async (name) => databases.get(name) ?? database };
    const transactions: Partial<Transactions> = {
      free: async ({ name }, freed) => {
        seen.push(`free ${freed.name} for ${name}`);
        return { stop: () => void seen.push(`leave ${freed.name}`) };
      },
      perform: async () => {
        seen.push("perform");
        return { offer: { service: Stock.service, handlers: {} }, listens: [], stop: async () => {} };
      },
    };
    const kept: { database?: Store["database"] } = {};
    const asking = (needs: Needs, gone: boolean) =>
      defineService(Shelf, {
        description: "Shelves",
        needs,
        operations: Stock,
        setup: async ({ deps }) => {
          const handed = Object.values(deps)[0] as unknown as Store & { readonly current?: Store };
          const own = handed.current ?? handed;
          kept.database = own.database;
          assert.equal(await own.database("test"), database);
          await Promise.all(["test", "other"].map((name) => own.database(name)));
          seen.push("set up");
          if (gone) throw new Error("no shelves");
          return shelfParts;
        },
      });
    const opened = ["free test for test.v1.Stock", "free other for test.v1.Stock", "set up"];
    const freed = ["leave test", "leave other"];
    for (const [needs, deps] of [
      [{ data: store }, { data: given }],
      [{ data: live(store) }, { data: { current: given } }],
      [{ data: optional(store) }, { data: given }],
    ] as const) {
      await startPlugin<Service>(asking(needs, false), { deps: { ...deps, "(operations)": transactions } });
      assert.deepEqual(seen.splice(0), [...opened, "perform", ...freed]);
      assert.equal(await kept.database?.("test"), database);
      const failing = startPlugin(asking(needs, true), { deps: { ...deps, "(operations)": transactions } });
      await assert.rejects(failing, /no shelves/);
      assert.deepEqual(seen.splice(0), [...opened, ...freed]);
    }
  });

  it("needs nothing of transactions without operations, and does not start without saying how it performs them", async () => {
    const plain = defineService(Shelf, {
      description: "Shelves",
      setup: () => ({ handlers: { look: () => ({ shelf: "a" }) } }),
    });
    assert.deepEqual(plain.needs, {});
    const forgetful = defineService(Shelf, {
      description: "Shelves",
      operations: Stock,
      // @ts-expect-error: with operations there must be `perform`
      setup: () => ({ handlers: { look: () => ({ shelf: "a" }) } }),
    });
    await assert.rejects(startPlugin(forgetful, { deps: { "(operations)": {} } }), /how it performs them/);
    const stopped: string[] = [];
    const hasty = defineService(Shelf, {
      description: "Shelves",
      operations: Stock,
      setup: () => ({
        handlers: { look: () => ({ shelf: "a" }) },
        // @ts-expect-error: `undo` is declared, and there is another operation
        perform: { on: database, operations: { deduct: { reserve: () => {}, confirm: () => {}, cancel: () => {} } } },
        stop: () => void stopped.push("stopped"),
      }),
    });
    await assert.rejects(startPlugin(hasty, { deps: { "(operations)": {} } }), /perform\.operations\.deduct\.undo/);
    assert.deepEqual(stopped, ["stopped"]);
    defineService(Shelf, {
      description: "Shelves",
      // @ts-expect-error: without operations there is nothing to perform
      setup: () => ({ handlers: { look: () => ({ shelf: "a" }) }, perform: { on: database, operations: {} } }),
    });
  });

  it("takes undo exactly where it is declared, and lets only declared reasons reject", () => {
    type Deduct = import("./perform.ts").LocalOperation<typeof Stock.operations.deduct>;
    type Count = import("./perform.ts").LocalOperation<typeof Stock.operations.count>;
    type Charge = import("./perform.ts").Performances<typeof Cards>["charge"];
    const rest = { reserve: async () => ({ shelf: "" }), confirm: async () => {}, cancel: async () => {} };
    // @ts-expect-error: undo is declared
    const missing: Deduct = rest;
    // @ts-expect-error: undo is not declared
    const needless: Count = { ...rest, undo: async () => {} };
    // @ts-expect-error: what acts outside must be able to tell how it stands
    const mute: Charge = rest;
    const fine: Charge = {
      ...rest,
      reserve: async (_, call) => {
        if (call.idempotencyKey === "") call.reject("DECLINED");
        // @ts-expect-error: not a reason it declares
        if (call.gid === "") call.reject("OTHER");
        return { shelf: "" };
      },
      confirm: async (_, __, call) => {
        // @ts-expect-error: making final cannot be refused
        if (call.gid === "") call.reject("DECLINED");
      },
      query: async () => ({ state: "none" }),
    };
    assert.ok(missing && needless && mute && fine);
  });
});

describe("initiates", () => {
  it("tells what it runs and whom that calls, and gives an initiator of it", () => {
    const need = initiates(sell);
    assert.equal(need.initiates, sell);
    assert.deepEqual(
      need.calls.map(({ name }) => name),
      ["test.v1.Stock"],
    );
    const use = async (initiator: Initiator<typeof sell>): Promise<string> => {
      const outcome = await initiator.run({ sku: "chair" }, { key: "k" });
      if (outcome.status === "aborted") return outcome.abort.reason;
      if (outcome.status === "pending") return outcome.gid;
      // @ts-expect-error: a step after the commit may not be done yet
      const counted = outcome.outputs.count.shelf;
      return outcome.outputs.stock.shelf + counted;
    };
    const typed: (typeof need)["derive"] extends (api: never) => Initiator<typeof sell> ? true : false = true;
    assert.equal(typeof use, "function");
    assert.ok(typed);
  });
});
