import { int64, message, string, transaction } from "@mortise/kernel/contract";
import { bankOperations } from "@mortise/kernel/testing";

/** Four banks, each with a database of its own. Transactions begin at the first. */
export const banks = {
  own: bankOperations("Own"),
  second: bankOperations("Second"),
  third: bankOperations("Third"),
  fourth: bankOperations("Fourth"),
} as const;
export type BankName = keyof typeof banks;
export const bankNames = Object.keys(banks) as readonly BankName[];

/** Accounts are in all banks under the same names. */
export const Sum = message("test.world.v1.Sum", { from: string(1), to: string(2), cents: int64(3) });

/** Only the first step can be refused, so every strategy but local and best-effort may drive it. Fee and bonus come out of the sum. */
export const pay = transaction("pay", {
  input: Sum,
  needs: { isolation: "none", reply: "accepted" },
  plan: (plan) =>
    plan
      .step("debit", banks.own.operations.take, ({ from, cents }) => ({ account: from, cents }))
      .step("credit", banks.second.operations.put, ({ to, cents }) => ({ account: to, cents: cents - 2n }), {
        after: ["debit"],
        pivot: true,
      })
      .step("fee", banks.fourth.operations.put, ({ from }) => ({ account: from, cents: 1n }), { after: ["credit"] })
      .step("bonus", banks.third.operations.put, ({ to }) => ({ account: to, cents: 1n }), { afterCommit: true }),
});

/** The same, but what follows the first step may be lost. */
export const tell = transaction("tell", {
  input: Sum,
  needs: { isolation: "none", reply: "accepted" },
  plan: (plan) =>
    plan
      .step("spend", banks.own.operations.take, ({ from, cents }) => ({ account: from, cents }))
      .step("hint", banks.second.operations.put, ({ to, cents }) => ({ account: to, cents }), {
        after: ["spend"],
        droppable: true,
      }),
});

/** Three banks may refuse. */
export const collect = transaction("collect", {
  input: Sum,
  needs: { isolation: "none", reply: "final" },
  plan: (plan) =>
    plan
      .step("first", banks.own.operations.take, ({ from, cents }) => ({ account: from, cents }))
      .step("next", banks.second.operations.take, ({ from, cents }) => ({ account: from, cents }))
      .step("last", banks.third.operations.take, ({ from, cents }) => ({ account: from, cents }), { after: ["first"] })
      .step("sum", banks.fourth.operations.put, ({ to, cents }) => ({ account: to, cents: 3n * cents }), {
        after: ["next", "last"],
      }),
});

export const worldTransactions = { pay, tell, collect } as const;
export type WorldTransaction = keyof typeof worldTransactions;

/** The steps of each, which no other has. */
export const stepsOf: Readonly<Record<WorldTransaction, readonly string[]>> = {
  pay: Object.keys(pay.steps),
  tell: Object.keys(tell.steps),
  collect: Object.keys(collect.steps),
};

export const databaseOf = (bank: BankName): string => `${bank}_bank`;
