import { type Database, defineService, type Initiator, initiates, type Plugin, store } from "@mortise/kernel";
import { Empty, rpc, service } from "@mortise/kernel/contract";
import { type BankName, banks, collect, databaseOf, pay, tell, type WorldTransaction } from "./contract.ts";
import { bookkeeping, openBooks } from "./ledger.ts";

export type Accounts = Readonly<Record<string, bigint>>;
export type Initiators = Readonly<Record<WorldTransaction, Initiator<typeof pay>>>;

function contractOf(bank: BankName) {
  const name = `${bank.slice(0, 1).toUpperCase()}${bank.slice(1)}`;
  return service(`test.world.v1.${name}`, { ping: rpc(Empty, Empty) });
}

function performing(bank: BankName, database: Database) {
  return { on: database, operations: bookkeeping(bank, database) as never };
}

async function opened(from: { database(name: string): Promise<Database> }, bank: BankName, accounts: Accounts) {
  const database = await from.database(databaseOf(bank));
  await openBooks(database, accounts);
  return database;
}

/** The bank where transactions begin; hands over what begins them. */
export function beginningBank(accounts: Accounts, hand: (initiators: Initiators) => void): Plugin {
  return defineService(contractOf("own"), {
    name: "own-bank",
    description: "Begins transactions and takes part in them",
    needs: { store, pay: initiates(pay), tell: initiates(tell), collect: initiates(collect) },
    operations: banks.own,
    setup: async ({ deps }) => {
      const database = await opened(deps.store, "own", accounts);
      hand(deps as unknown as Initiators);
      return { perform: performing("own", database), handlers: { ping: async () => ({}) } };
    },
  });
}

/** A bank that only takes part. */
export function takingPart(bank: BankName, accounts: Accounts): Plugin {
  return defineService(contractOf(bank), {
    name: `${bank}-bank`,
    description: "Takes part in transactions",
    needs: { store },
    operations: banks[bank],
    setup: async ({ deps }) => {
      const database = await opened(deps.store, bank, accounts);
      return { perform: performing(bank, database), handlers: { ping: async () => ({}) } };
    },
  });
}
