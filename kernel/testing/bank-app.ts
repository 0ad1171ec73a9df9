import { bool, Empty, int64, message, rpc, service, string, transaction } from "../contract/index.ts";
import type { Plugin } from "../core/plugin.ts";
import { defineService } from "../spi/define-service.ts";
import type { Database, Store } from "../spi/store.ts";
import { store } from "../spi/store.ts";
import { type Initiator, initiates, type TransactionOutcome } from "../spi/transactions.ts";
import { type Accounts, bankOperations, bankPerformer, createAccounts } from "./bank.ts";

/** Money from one account to another, and a bonus for whoever moves it. */
export const Payment = message("test.bank.v1.Payment", {
  from: string(1),
  to: string(2),
  cents: int64(3),
  /** An account of the second bank that pays its part of the fee; empty for none. */
  sponsor: string(4),
});

export const banks = {
  own: bankOperations("Own"),
  second: bankOperations("Second"),
  third: bankOperations("Third"),
} as const;

/** Takes at the bank of the one who begins; what follows cannot be refused. Every strategy but local may drive it. */
export const pay = transaction("pay", {
  input: Payment,
  needs: { isolation: "none", reply: "accepted" },
  plan: (plan) =>
    plan
      .step("take", banks.own.operations.take, ({ from, cents }) => ({ account: from, cents }))
      .step("put", banks.second.operations.put, ({ to, cents }) => ({ account: to, cents }), {
        after: ["take"],
        pivot: true,
        droppable: true,
      })
      .step("bonus", banks.third.operations.put, () => ({ account: "bonus", cents: 1n }), {
        afterCommit: true,
        droppable: true,
      }),
});

/** Takes at two banks, either of which may refuse, and puts the sum into the third. */
export const collect = transaction("collect", {
  input: Payment,
  needs: { isolation: "none", reply: "final" },
  plan: (plan) =>
    plan
      .step("take", banks.own.operations.take, ({ from, cents }) => ({ account: from, cents }))
      .step("also", banks.second.operations.take, ({ sponsor, cents }) => ({ account: sponsor, cents }))
      .step("put", banks.third.operations.put, ({ to, cents }) => ({ account: to, cents: 2n * cents }), {
        after: ["take", "also"],
      }),
});

/** All of it at one bank. */
export const move = transaction("move", {
  input: Payment,
  needs: { isolation: "none", reply: "accepted" },
  plan: (plan) =>
    plan
      .step("take", banks.own.operations.take, ({ from, cents }) => ({ account: from, cents }))
      .step("put", banks.own.operations.put, ({ to, cents }) => ({ account: to, cents })),
});

export const bankTransactions = { pay, collect, move } as const;
export type BankTransaction = keyof typeof bankTransactions;

export const Order = message("test.bank.v1.Order", {
  transaction: string(1),
  /** Empty: one of its own. */
  key: string(2),
  from: string(3),
  to: string(4),
  cents: int64(5),
  sponsor: string(6),
  settled: bool(7),
});
export const Receipt = message("test.bank.v1.Receipt", { gid: string(1), status: string(2), reason: string(3) });
export const Lookup = message("test.bank.v1.Lookup", { transaction: string(1), gid: string(2) });

/** Where tests begin transactions. */
export const Desk = service("test.bank.v1.Desk", { run: rpc(Order, Receipt), wait: rpc(Lookup, Receipt) });
export const SecondBank = service("test.bank.v1.SecondBank", { ping: rpc(Empty, Empty) });
export const ThirdBank = service("test.bank.v1.ThirdBank", { ping: rpc(Empty, Empty) });

async function opened(from: Store, name: string, accounts: Accounts): Promise<Database> {
  const database = await from.database(name);
  await createAccounts(database, accounts);
  return database;
}

/** The bank of the one who begins: a participant itself. */
export function ownBank(accounts: Accounts): Plugin {
  const needs = { store, pay: initiates(pay), collect: initiates(collect), move: initiates(move) };
  return defineService(Desk, {
    name: "own-bank",
    description: "Begins transactions of a test and takes part in them",
    needs,
    operations: banks.own,
    setup: async ({ deps }) => {
      const database = await opened(deps.store, "own_bank", accounts);
      const initiators = deps as unknown as Record<string, Initiator<typeof pay>>;
      return {
        perform: { on: database, operations: bankPerformer(banks.own as never, database).perform as never },
        handlers: {
          run: async ({ transaction, key, settled, ...input }, call) => {
            const outcome = await initiators[transaction]?.run(input, {
              context: call,
              ...(key !== "" && { key }),
              ...(settled && { until: "settled" as const }),
            });
            return receipt(outcome);
          },
          wait: async ({ transaction, gid }, call) =>
            receipt(await initiators[transaction]?.wait(gid, { context: call })),
        },
      };
    },
  });
}

function receipt(outcome: TransactionOutcome<typeof pay> | undefined) {
  if (!outcome) throw new TypeError("there is no such transaction");
  const { gid, status } = outcome;
  return { gid, status, reason: status === "aborted" ? outcome.abort.reason : "" };
}

function bankService(
  contract: typeof SecondBank | typeof ThirdBank,
  name: string,
  operations: (typeof banks)["second" | "third"],
  accounts: Accounts,
): Plugin {
  return defineService(contract, {
    name,
    description: "Takes part in transactions of a test",
    needs: { store },
    operations,
    setup: async ({ deps }) => {
      const database = await opened(deps.store, name.replaceAll("-", "_"), accounts);
      return {
        perform: { on: database, operations: bankPerformer(operations as never, database).perform as never },
        handlers: { ping: async () => ({}) },
      };
    },
  });
}

export function secondBank(accounts: Accounts): Plugin {
  return bankService(SecondBank, "second-bank", banks.second, accounts);
}

export function thirdBank(accounts: Accounts): Plugin {
  return bankService(ThirdBank, "third-bank", banks.third, accounts);
}
