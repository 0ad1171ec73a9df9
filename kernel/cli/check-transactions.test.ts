import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testFolder } from "./command.fixture.ts";
import { orderService } from "./tx.fixture.ts";

const embedded = (settings: string) => `store: embedded }
options: { store/embedded: { settings: { ${settings} } } }`;
const elsewhere = `store: postgres }
options: { store/postgres: { url: "postgres://me:secret@localhost/postgres" } }`;

/** What `mortise check` says of two branches, each in a database of its own. */
async function checked(store: string, policy: string) {
  const app = `app: shop
use: { protocol: grpc, registry: file, bus: memory, ${store}
services: { shop: shop/shop.ts, stock: shop/shop.ts }
transactions:
  placeOrder: { ${policy} }
`;
  await using folder = await testFolder({ "shop/shop.ts": orderService, "app.yaml": app });
  const { code, out, err } = await folder.run(["check", "app.yaml"]);
  return { code, said: out + err };
}

describe("mortise check, of what waits prepared", () => {
  const room = "the server of 'shop.v1.Orders' and 'shop.v1.Stock' prepares";

  it("knows how much a server of the app's own prepares, and says where that is too little", async () => {
    const { code, said } = await checked(embedded(""), "strategy: xa, maxInFlight: 33");
    assert.equal(code, 1, said);
    assert.match(said, /app\.yaml:6:44/);
    const why = `DTX008 xa: ${room} 64 transactions, fewer than the 2 branches of each of 33 (maxInFlight).`;
    assert.ok(said.includes(why), said);
    assert.equal((await checked(embedded(""), "strategy: xa, maxInFlight: 32")).code, 0);
    assert.equal((await checked(embedded(""), "strategy: tcc, maxInFlight: 33")).code, 0);
  });

  it("heeds what the options of that server say", async () => {
    const { code, said } = await checked(embedded("max_prepared_transactions: 0"), "strategy: 3pc");
    assert.equal(code, 1, said);
    assert.match(said, /app\.yaml:6:27/);
    assert.match(said, /DTX008 3pc: .* prepares no transactions \(max_prepared_transactions is 0\)/);
    const { said: more } = await checked(embedded("max_prepared_transactions: 66"), "strategy: xa, maxInFlight: 33");
    assert.match(more, /no problems/);
  });

  it("says nothing of a server it would have to ask", async () => {
    const { code, said } = await checked(elsewhere, "strategy: xa, maxInFlight: 9999");
    assert.equal(code, 0, said);
  });
});
