import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { builtInStrategies } from "../../contract/transaction/strategy.ts";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import { plan } from "../../core/plan.ts";
import { definePlugin, type Plugin } from "../../core/plugin.ts";
import { service } from "../../spi/service.ts";
import { transaction as strategySpi } from "../../spi/transaction.ts";
import { initiates, transactions } from "../../spi/transactions.ts";
import { checkTransactions } from "../check-transactions.ts";
import { honestStrategies, transactionProblems } from "./honesty.ts";
import { plansModule } from "./plans.fixture.ts";

const root = join(import.meta.dirname, "../../..");
const strategies = new Map(Object.entries(builtInStrategies));
const participants = ["test.v1.P0", "test.v1.P1", "test.v1.P2"];

/** What the table says about a plan under a strategy, by code, strategy and step. */
function verdict(transaction: AnyTransaction, strategy: string): string[] {
  return transactionProblems(transaction, { strategy }, strategies).map(({ headline }) => headline);
}

/** What the check of an app says about all plans under a strategy, by transaction. */
function loaded(all: readonly AnyTransaction[], strategy: string): Map<string, string[]> {
  const none = () => assert.fail("nothing runs");
  const needs = Object.fromEntries(all.map((transaction) => [transaction.name, initiates(transaction)]));
  const performs = participants.map((name) => ({ name }));
  const plugins: Plugin[] = [
    ...[...strategies].map(([name, facts]) =>
      definePlugin({ spi: strategySpi, name, description: name, facts, setup: none }),
    ),
    definePlugin({ spi: transactions, name: "runtime", description: "runtime", setup: none }),
    definePlugin({ spi: service, name: "all", description: "all", needs, facts: { performs }, setup: none }),
  ];
  const planned = plan(plugins, { use: { service: "all", transaction: [...strategies.keys()] }, options: {} });
  assert.ok(planned.plan, planned.problems.map(({ message }) => message).join("\n"));
  const { problems } = checkTransactions(planned.plan, { "*": { strategy } });
  const said = problems.map(
    ({ message }) => /^transaction (\w+): (DTX.*?)\.(?: [A-Z]|$)/s.exec(message)?.slice(1) ?? [],
  );
  return new Map(
    [...Map.groupBy(said, ([name]) => name ?? "")].map(([name, group]) => [name, group.map(([, what]) => what ?? "")]),
  );
}

/** Claims about types, one per plan: what the checker is to find for each strategy. */
function claims(
  all: readonly AnyTransaction[],
  wanted: (transaction: AnyTransaction, strategy: string) => string[],
): string {
  const door = JSON.stringify(join(root, "kernel/contract/index.ts"));
  const lines = all.map((transaction) => {
    const each = [...strategies.keys()].map((strategy) => {
      const union = [...new Set(wanted(transaction, strategy))].map((text) => JSON.stringify(text)).join(" | ");
      return `Equal<StrategyProblem<typeof plans.${transaction.name}, "${strategy}">, ${union || "never"}>`;
    });
    return `holds<[${each.join(", ")}]>();`;
  });
  return [
    `import type { StrategyProblem } from ${door};`,
    'import type * as plans from "./plans.ts";',
    "type Equal<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;",
    "declare function holds<T extends readonly true[]>(): T;",
    ...lines,
  ].join("\n");
}

describe("the rules of transactions", () => {
  let folder = "";
  let all: readonly AnyTransaction[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "mortise-rules-"));
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    await writeFile(join(folder, "plans.ts"), plansModule([32, 6, 1]));
    const plans = (await import(pathToFileURL(join(folder, "plans.ts")).href)) as Readonly<
      Record<string, AnyTransaction>
    >;
    all = Object.values(plans);
    const config = {
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        typeRoots: [join(root, "node_modules/@types")],
        rewriteRelativeImportExtensions: false,
        allowImportingTsExtensions: true, // the contracts are imported by their full path
      },
      include: ["*.ts"],
    };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  });

  after(() => rm(folder, { recursive: true }));

  /** The lines of `claims.ts` the type checker does not agree with. */
  async function disagreements(source: string): Promise<number[]> {
    await writeFile(join(folder, "claims.ts"), source);
    const output = await new Promise<string>((resolve) => {
      execFile(join(root, "node_modules/.bin/tsc"), ["-p", folder], { maxBuffer: 1 << 26 }, (_, text) => resolve(text));
    });
    const found = output.split("\n").filter((line) => /error TS/.test(line));
    assert.ok(
      found.every((line) => /claims\.ts\(\d+,.*TS2344/.test(line)),
      output.slice(0, 2000),
    );
    return found.map((line) => Number(/claims\.ts\((\d+)/.exec(line)?.[1]));
  }

  it("say the same to the type checker, of a plan and of an app, about every graph of at most three steps", async () => {
    assert.ok(all.length > 1500, `${all.length} plans`);
    const atLoad = new Map([...strategies.keys()].map((strategy) => [strategy, loaded(all, strategy)]));
    for (const transaction of all) {
      for (const [strategy, found] of atLoad) {
        const own = found.get(transaction.name) ?? [];
        const world = own.filter((text) => /^DTX(014|019)/.test(text));
        assert.deepEqual(
          own.filter((text) => !world.includes(text)),
          verdict(transaction, strategy),
          transaction.name,
        );
      }
    }
    assert.deepEqual(await disagreements(claims(all, verdict)), []);
  });

  it("would not agree if one of them said anything else", async () => {
    const some = all.slice(0, 40);
    const odd = some.findIndex((transaction) => verdict(transaction, "saga").length > 0);
    const wrong = claims(some, (transaction, strategy) =>
      transaction === some[odd] && strategy === "saga" ? [] : verdict(transaction, strategy),
    );
    assert.deepEqual(await disagreements(wrong), [5 + odd]);
  });

  it("find every code about plans somewhere, and let every strategy be honest about some plan", () => {
    const codes = new Set(
      all
        .flatMap((one) => [...strategies.keys()].flatMap((name) => verdict(one, name)))
        .map((text) => text.slice(0, 6)),
    );
    assert.deepEqual([...codes].sort(), [
      "DTX002",
      "DTX003",
      "DTX004",
      "DTX005",
      "DTX006",
      "DTX007",
      "DTX015",
      "DTX016",
      "DTX017",
      "DTX018",
    ]);
    const honest = new Set(all.flatMap((one) => honestStrategies(one, strategies)));
    assert.deepEqual([...honest].sort(), [...strategies.keys()].sort());
  });
});
