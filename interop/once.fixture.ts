// A provider whose first request commits and is then never answered: node once.fixture.ts <registry> <postgres url> <crash|serve>
import { definePlugin, defineService, filter, store } from "@mortise/kernel";
import { message, repeated, rpc, service, string } from "@mortise/kernel/contract";
import { inTransaction } from "@mortise/kernel/spi/request-transaction";
import { given, testApp } from "@mortise/kernel/testing";
import { idempotency } from "@mortise/plugins/filter/idempotency/idempotency";
import { grpc } from "@mortise/plugins/protocol/grpc/grpc";
import { file } from "@mortise/plugins/registry/file/file";
import { postgres } from "@mortise/plugins/store/postgres/postgres";

const Money = message("test.once.v1.Money", { account: string(1), receipt: string(2) });
/** What the provider serves. */
export const Till = service("test.once.v1.Till", {
  pay: rpc(Money, Money),
  list: rpc(Money, message("test.once.v1.Journal", { receipts: repeated(string(1)) }), { readOnly: true }),
});

const till = defineService(Till, {
  name: "till",
  description: "Takes money once",
  needs: { store },
  async setup({ deps, ports }) {
    const database = await deps.store.database("till");
    await database.sql`create table if not exists paid (account text, receipt text)`;
    return {
      handlers: {
        pay: async ({ account }, call) => {
          const receipt = ports.ids.uuid();
          await inTransaction(database, call, (tx) =>
            tx.execute(`insert into paid values ('${account}', '${receipt}')`),
          );
          return { account, receipt };
        },
        list: async ({ account }) => {
          const rows = await database.sql<{ receipt: string }[]>`select receipt from paid where account = ${account}`;
          return { receipts: rows.map(({ receipt }) => receipt) };
        },
      },
    };
  },
});

/** Ends the process as a power failure would, between the commit and the answer. */
const crash = definePlugin({
  spi: filter,
  name: "crash",
  description: "Kills the process before it answers",
  activate: { order: 1 },
  setup: () => ({
    api: {
      wrap: ({ place }) =>
        place !== "provider"
          ? undefined
          : (next) => async (call) => {
              await next(call);
              process.kill(process.pid, "SIGKILL");
              return new Promise(() => undefined);
            },
    },
  }),
});

if (import.meta.main) {
  const [dir = "", url = "", mode = ""] = process.argv.slice(2);
  await testApp({
    plugins: [
      grpc,
      file,
      postgres,
      idempotency,
      till,
      ...(mode === "crash" ? [crash] : []),
      given(filter, "none", { wrap: () => undefined }),
    ],
    use: { protocol: "grpc", registry: "file", store: "postgres", filter: ["default"] },
    options: { "registry/file": { dir, pollMs: 50, leaseMs: 2000 }, "store/postgres": { url } },
    policies: {
      "*": { timeoutMs: 30_000 },
      "test.once.v1.Till/pay": { idempotency: { database: "till", required: true } },
    },
  });
  console.log("up");
}
