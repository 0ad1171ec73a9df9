import fc from "fast-check";
import type { Performances } from "../../spi/perform.ts";
import { type BankOperations, bankDatabase, bankOperations, bankPerformer } from "../bank.ts";
import type { TestPostgres } from "../postgres-server.ts";
import type { OperationsSubject } from "./subject.ts";

const operations = bankOperations("Tried");

interface AccountRow {
  readonly id: string;
  readonly balance: bigint;
  readonly frozen: bigint;
  readonly coming: bigint;
}

/** The bank as a subject of the laws of operations. */
export function bankSubject(server: TestPostgres): OperationsSubject<BankOperations, readonly AccountRow[]> {
  const cents = fc.bigInt({ min: 1n, max: 120n });
  return {
    operations: operations as BankOperations,
    perform: (database) => bankPerformer(operations, database).perform as unknown as Performances<BankOperations>,
    on: async () => {
      const test = await server.database();
      const { database, end } = await bankDatabase(test, { a: 200n, b: 100n });
      return {
        database,
        end: async () => {
          await end(0);
          await test.drop();
        },
      };
    },
    inputs: {
      take: fc.record({ account: fc.constantFrom("a", "b", "nobody"), cents }),
      put: fc.record({ account: fc.constantFrom("a", "b"), cents }),
    },
    observe: async ({ sql }) => [...(await sql<AccountRow[]>`select * from account order by id`)],
  };
}
