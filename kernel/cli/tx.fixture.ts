/** Orders whose steps hang or fail on demand, in the folder where services are by convention. */
export const orderService = `
import { defineService, initiates, store } from "@mortise/kernel";
import { message, operation, operations, rpc, service, string, transaction } from "@mortise/kernel/contract";
const Text = message("shop.v1.Text", { text: string(1) });
const Orders = operations("shop.v1.Orders", { create: operation(Text, Text, { rejects: ["SOLD_OUT"] }) });
const Stock = operations("shop.v1.Stock", { take: operation(Text, Text) });
const placeOrder = transaction("placeOrder", {
  input: Text,
  needs: { isolation: "reserved", reply: "final" },
  plan: (p) => p
    .step("order", Orders.operations.create, (input) => input)
    .step("stock", Stock.operations.take, (input) => input, { after: ["order"] }),
});
const Shop = service("shop.v1.Shop", { buy: rpc(Text, Text) });
const Store = service("shop.v1.Store", {});
const hangs = (call) => new Promise((resolve, reject) => call.onCancel(reject));
export const shop = defineService(Shop, {
  name: "shop",
  description: "Sells",
  needs: { store, place: initiates(placeOrder) },
  operations: Orders,
  setup: async ({ deps }) => ({
    handlers: {
      buy: async (text) => {
        const { gid, status } = await deps.place.run(text);
        return { text: gid + " " + status };
      },
    },
    perform: {
      on: await deps.store.database("orders"),
      operations: {
        create: {
          reserve: async (tx, { text }, call) => (text === "gone" ? call.reject("SOLD_OUT", "none is left") : { text }),
          confirm: async () => undefined,
          cancel: async () => undefined,
        },
      },
    },
  }),
});
export const stock = defineService(Store, {
  name: "stock",
  description: "Keeps goods",
  needs: { store },
  operations: Stock,
  setup: async ({ deps }) => {
    const database = await deps.store.database("stock");
    await database.sql\`create table if not exists broken (what text)\`;
    return {
      handlers: {},
      perform: {
        on: database,
        operations: {
          take: {
            reserve: async (tx, { text }, call) => (text === "slow" ? hangs(call) : { text }),
            confirm: async ({ sql }, { text }) => {
              const broken = await sql\`select 1 from broken where what = \${text}\`;
              if (broken.length > 0) throw new Error("the shelf of " + text + " has fallen over");
            },
            cancel: async () => undefined,
          },
        },
      },
    };
  },
});
`;

/** @param url of the server, without a database */
export const shopYaml = (url: string, admin = true) => `app: shop
use: { protocol: grpc, registry: file, store: postgres, bus: memory }
options:
  protocol/grpc: { port: 0 }
  registry/file: { dir: registry }
  store/postgres: { url: "${url}" }
  transactions/runtime: { driveTimeoutMs: 5000, attempts: 1, stuckAfterRounds: 2, maxBackoffMs: 200, admin: ${admin} }
services: { shop: shop/shop.ts, stock: shop/shop.ts }
transactions:
  placeOrder: { strategy: tcc }
`;
