// The strategy of a transaction is changed by central rules, for all processes of an app at once, while transactions run.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { eventually, onServer, postgresServer } from "@mortise/kernel/testing";
import { type Started, type TestFolder, testFolder } from "../kernel/cli/command.fixture.ts";

const fixture = join(import.meta.dirname, "central-transactions.fixture.ts");

await onServer(
  "transactions under central rules",
  () => postgresServer({ ours: true }),
  (server) => {
    let folder: TestFolder;
    let processes: Started[];

    before(async () => {
      const yaml = `app: books
use: { protocol: grpc, registry: memory, bus: memory, store: postgres, config-source: file }
options:
  protocol/grpc: { port: 0 }
  store/postgres: { url: "${server.url}", idleTransactionTimeoutMs: 0 }
  transactions/runtime: { driveTimeoutMs: 600000, leaseMs: 600000 }
services: { desk: ${fixture}, till: ${fixture} }
transactions:
  "*": { strategy: tcc, deadlineMs: 600000 }
policies:
  "*": { timeoutMs: 0 }
`;
      folder = await testFolder({ "app.yaml": yaml });
      processes = [await folder.start(["app.yaml"]), await folder.start(["app.yaml"])];
    });
    after(() => folder[Symbol.asyncDispose]());

    const config = (command: string, ...rest: string[]) => folder.run(["config", command, "app.yaml", ...rest]);
    const everywhere = (text: string) =>
      Promise.all(processes.map((one) => one.logged(({ message }) => message.includes(text))));
    const addressOf = ({ up }: Started) => (up.endpoints as readonly { readonly address: string }[])[0]?.address ?? "";

    async function ask<T>(process: Started, method: string, input: object): Promise<T> {
      const request = [`central.v1.Desk/${method}`, JSON.stringify(input), "--timeout", "600000"];
      const { code, out, err } = await folder.run(["call", ...request, "--address", addressOf(process)]);
      assert.equal(code, 0, err);
      return JSON.parse(out) as T;
    }

    const run = (process: Started, id: string, held = false) =>
      ask<{ gid: string; status: string }>(process, "run", { id, held });

    /** What a transaction was begun under. */
    async function strategyOf(gid: string): Promise<string> {
      const [one] = processes as [Started];
      const { out, err } = await folder.run([
        "tx",
        "show",
        gid,
        "--json",
        "--timeout",
        "600000",
        "--address",
        addressOf(one),
      ]);
      assert.equal(err, "");
      return JSON.parse(out).summary.strategy;
    }

    /** Runs one more in every process, and says what they were begun under. */
    async function oneMore(name: string): Promise<readonly string[]> {
      const outcomes = await Promise.all(processes.map((one, index) => run(one, `${name}-${index}`)));
      for (const { status } of outcomes) assert.equal(status, "committed");
      return Promise.all(outcomes.map(({ gid }) => strategyOf(gid)));
    }

    /** Puts a version where the source finds it, without the check. */
    async function publishedUnchecked(version: number, text: string): Promise<void> {
      const stored = { version, text, at: 0, by: "eve", note: "past the check" };
      const file = `.mortise/rules/books/versions/${version}.json`;
      await folder.put(file, JSON.stringify(stored));
    }

    interface Report {
      readonly runs: number;
      readonly refused?: { readonly version: number; readonly reason: string };
    }

    /** Waits until every process says that it runs this version, and which one it refuses; gives the reasons. */
    async function reported(runs: number, refuses?: number): Promise<readonly string[]> {
      const fits = (one: Report) => one.runs === runs && one.refused?.version === refuses;
      const all = await eventually(async () => {
        const { code, out } = await config("status", "--json");
        const { processes: told } = JSON.parse(out) as { readonly processes: readonly Report[] };
        const isComplete = told.length === processes.length && told.every(fits);
        return isComplete && code === (refuses === undefined ? 0 : 1) && told;
      }, 120_000);
      return all.map(({ refused }) => refused?.reason ?? "");
    }

    it("take another strategy in every process while they run, and those under way end under theirs", async () => {
      await Promise.all(processes.map((one) => ask(one, "work", { atLeast: 5 })));
      let answered = false;
      const held = Promise.all(
        processes.map(async (one, index) => {
          const outcome = await run(one, `held-${index}`, true);
          answered = true;
          return outcome;
        }),
      );
      held.catch(() => undefined); // it is awaited below
      await eventually(() => [0, 1].every((index) => existsSync(join(folder.path, `held-held-${index}`))), 120_000);

      await folder.put("rules.yaml", "transactions:\n  bookBoth: { strategy: saga }\n");
      const { code, out, err } = await config("put", "rules.yaml", "--by", "ann", "--note", "fewer commits");
      assert.deepEqual([code, out, err], [0, "version 1 of the central rules of books is published\n", ""]);
      await everywhere("version 1 of the central rules is applied");

      const worked = await Promise.all(
        processes.map((one) => ask<{ outcomes: { gid: string; status: string }[] }>(one, "rest", { atLeast: 10 })),
      );
      assert.equal(answered, false, "those that were held are under way all the time");
      await writeFile(join(folder.path, "let-go"), "");
      const ended = await held;
      for (const { outcomes } of worked) {
        assert.deepEqual(new Set(outcomes.map(({ status }) => status)), new Set(["committed"]));
        assert.equal(await strategyOf(outcomes[0]?.gid ?? ""), "tcc");
        assert.equal(await strategyOf(outcomes.at(-1)?.gid ?? ""), "saga");
      }
      for (const { gid, status } of ended) assert.deepEqual([status, await strategyOf(gid)], ["committed", "tcc"]);
      await reported(1);
    });

    it("are explained with the place in the rules, and the rest with that in the file", async () => {
      const { out } = await folder.run(["explain", "app.yaml", "bookBoth"]);
      assert.match(out, /strategy +"saga" +transactions, bookBoth \(central rules 1:2:25\)\n/);
      assert.match(out, /deadlineMs +600000 +transactions, \* \(app\.yaml:9:37\)\n/);
      assert.match((await folder.run(["explain", "app.yaml", "bookBoth", "--no-central"])).out, /strategy +"tcc"/);
    });

    it("are not published with a dishonest strategy", async () => {
      await folder.put("bad.yaml", "transactions:\n  stampBoth: { strategy: saga }\n");
      const { code, err } = await config("put", "bad.yaml");
      assert.equal(code, 1);
      assert.match(
        err,
        /^bad\.yaml:2:26 {2}transaction stampBoth: DTX002 saga: step 'right' has no undo\. .*Honest here: /,
      );
      assert.match(err, /1 problem, nothing was published\./);
      assert.match((await config("history")).out, /^version 1 .*\n$/);
    });

    it("keep the last good strategy in every process where dishonest rules come past the check", async () => {
      await publishedUnchecked(2, "transactions:\n  stampBoth: { strategy: saga }\n  bookBoth: { strategy: xa }\n");
      await everywhere("version 2 of the central rules is refused, version 1 of the central rules stays");
      for (const reason of await reported(1, 2))
        assert.match(reason, /^central rules 2:2:26 {2}transaction stampBoth: DTX002 saga: /);
      assert.deepEqual(new Set(await oneMore("two")), new Set(["saga"]));
    });

    it("refuse what only those who run can know, also in a process that starts then", async () => {
      await folder.put("rules.yaml", "transactions:\n  bookBoth:\n    strategy: xa\n    maxInFlight: 1000000\n");
      const { code, err } = await config("put", "rules.yaml");
      assert.deepEqual([code, err], [0, ""]);
      await everywhere("version 3 of the central rules is refused");
      processes.push(await folder.start(["app.yaml"]));
      await everywhere("version 3 of the central rules is refused");
      for (const reason of await reported(1, 3))
        assert.match(
          reason,
          /^central rules 3:4:18 {2}transaction bookBoth: DTX008 xa: the server of 'central\.v1\.Left' and 'central\.v1\.Right' prepares \d+/,
        );
      const { out } = await config("status");
      assert.match(out, / runs version 1 +refuses version 3:\n {4}central rules 3:4:18 /);
      assert.deepEqual(new Set(await oneMore("three")), new Set(["saga"]));
    });

    it("go on with the next good version, in every process", async () => {
      await folder.put("rules.yaml", "transactions: { bookBoth: { strategy: xa, deadlineMs: null } }\n");
      assert.equal((await config("put", "rules.yaml")).code, 0);
      await everywhere("version 4 of the central rules is applied");
      assert.deepEqual(new Set(await oneMore("four")), new Set(["xa"]));
      await reported(4);
      await Promise.all(processes.map((one) => one.stop()));
    });
  },
);
