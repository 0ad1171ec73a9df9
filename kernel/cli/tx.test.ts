import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import postgres from "postgres";
import { eventually } from "../testing/eventually.ts";
import { onServer } from "../testing/on-server.ts";
import { postgresServer } from "../testing/postgres-server.ts";
import { type Started, type TestFolder, testFolder } from "./command.fixture.ts";
import { orderService, shopYaml } from "./tx.fixture.ts";

await onServer(
  "mortise tx, with a running app",
  () => postgresServer({ ours: true }),
  (server) => {
    let folder: TestFolder;
    let app: Started;
    let sql: postgres.Sql;

    before(async () => {
      folder = await testFolder({ "shop/shop.ts": orderService, "app.yaml": shopYaml(server.url) });
      app = await folder.start(["app.yaml"]);
      sql = postgres(server.url.replace(/\/postgres$/, "/stock"), { onnotice: () => undefined });
    });
    after(async () => {
      await sql?.end();
      await app?.stop();
      await folder?.[Symbol.asyncDispose]();
    });

    const tx = (...args: string[]) => folder.run(["tx", ...args, "--app", "app.yaml"]);
    const buy = async (text: string) => {
      const args = ["call", "shop.v1.Shop/buy", JSON.stringify({ text }), "--app", "app.yaml", "--timeout", "25000"];
      const { out, err } = await folder.run(args);
      const [gid = "", status = ""] = (JSON.parse(out || "{}").text ?? err).split(" ");
      return { gid, status };
    };
    /** One that is decided and cannot be done. */
    async function stuck(text: string): Promise<string> {
      await sql`insert into broken values (${text})`;
      const { gid } = await buy(text);
      await eventually(async () => (await tx("list", "--stuck")).out.includes(gid), 120_000);
      return gid;
    }

    it("lists what has not ended, and on demand what has", async () => {
      assert.equal((await tx("list")).out, "no transactions\n");
      assert.deepEqual(JSON.parse((await tx("list", "--json")).out), { transactions: [], silent: [] });
      assert.deepEqual(JSON.parse((await tx("counts", "--json")).out), { counts: [], silent: [] });
      const { gid, status } = await buy("book");
      assert.equal(status, "committed");
      await buy("gone");
      await eventually(async () => (await tx("list")).out === "no transactions\n", 120_000);
      const { out } = await tx("list", "--all");
      const [head, first, second] = out.trimEnd().split("\n");
      assert.match(head ?? "", /^ID +NAME +STRATEGY +STATUS +AGE +ROUNDS +WHY$/);
      assert.match(first ?? "", new RegExp(`^${gid} +placeOrder +tcc +committed +\\d`));
      assert.match(second ?? "", /aborted .* SOLD_OUT$/);
      const json = JSON.parse((await tx("list", "--status", "aborted", "--json")).out);
      assert.deepEqual(
        json.transactions.map(({ status, abortStep }: Record<string, unknown>) => [status, abortStep]),
        [["aborted", "order"]],
      );
      assert.match((await tx("list", "--all", "--limit", "1")).err, /there are more/);
      assert.equal((await tx("list", "--all", "--older-than", "1h")).out, "no transactions\n");
    });

    it("shows one with its branches and what happened when", async () => {
      const { gid } = await buy("lamp");
      await eventually(async () => (await tx("show", gid)).out.includes(" committed\n"), 120_000);
      const { out } = await tx("show", gid);
      const says = [
        new RegExp(`^placeOrder ${gid}  committed\n`),
        / {2}strategy +tcc, version 1\n/,
        / {2}b1 +shop\.v1\.Orders +order +reserve, confirm\n/,
        / {2}b2 +shop\.v1\.Stock +stock +after b1 +reserve, confirm\n/,
        / \+0 ms +begin +placeOrder 1 as tcc\n/,
        /decide +commit\n[\s\S]*b2 confirm +shop\.v1\.Stock[\s\S]*end +committed\n$/,
      ];
      for (const one of says) assert.match(out, one);
      const short = gid.slice(-8);
      assert.equal((await tx("show", short)).out.split("\n")[0], out.split("\n")[0]);
      assert.deepEqual(JSON.parse((await tx("show", short, "--input")).out), { text: "lamp" });
      const { events } = JSON.parse((await tx("show", gid, "--json")).out);
      const exported = (await tx("export", short)).out.trimEnd().split("\n");
      assert.deepEqual(
        exported.map((line) => JSON.parse(line)),
        events,
      );
    });

    it("retries what is stuck once what was broken is repaired", async () => {
      const gid = await stuck("chair");
      const { out } = await tx("list", "--stuck");
      assert.match(out, new RegExp(`${gid} .*committing, stuck .*`));
      assert.match((await tx("show", gid)).out, /last error +shop\.v1\.Stock: /);
      assert.match((await tx("counts")).out, /^NAME .*\nplaceOrder +tcc +committing +1 +1 +\d/);
      assert.equal((await tx("pause", gid.slice(-17), "--by", "ann")).out, `${gid} is paused\n`);
      await tx("resume", gid, "--by", "ann");
      await eventually(async () => {
        const { code, out, err } = await tx("sweep", "--older-than", "0s", "--end", "--reason", "look");
        if (code !== 4) return false; // it was being tried at that moment
        assert.match(out, new RegExp(`shop\\.v1\\.Stock +1 left behind, 0 ended, 1 failed\n +${gid} b2: `));
        assert.match(out, /shop\.v1\.Orders +nothing older than 0s is left\n/);
        assert.equal(err, "");
        return true;
      }, 120_000);
      assert.match((await tx("show", gid)).out, / sweep failed: shop\.v1\.Stock b2: /);
      const retried = await tx("retry", gid, "--by", "ann");
      assert.equal(retried.out, `${gid} is due at once\n`);
      await sql`delete from broken`;
      await eventually(async () => (await tx("list")).out === "no transactions\n", 120_000);
      assert.match((await tx("show", gid)).out, / ann +retry\n/);
    });

    it("pauses and resumes, and closes by hand what cannot be done", async () => {
      const gid = await stuck("table");
      const paused = await tx("pause", "--strategy", "tcc", "--by", "ann", "--reason", "the warehouse burns");
      assert.equal(paused.out, `${gid} is paused\n`, paused.err);
      assert.match((await tx("list")).out, /committing, stuck, paused/);
      const retried = await tx("retry", "--name", "placeOrder", "--by", "ann");
      assert.equal(retried.out, `${gid} is paused: nobody takes it on until you \`mortise tx resume ${gid}\`\n`);
      assert.equal((await tx("resume", gid)).out, `${gid} is resumed\n`);
      const reasonless = await tx("close", gid);
      assert.equal(reasonless.code, 2);
      assert.match(reasonless.err, /--reason/);
      const closed = await tx("close", gid, "--by", "ann", "--reason", "the goods were handed over");
      assert.equal(closed.out, `${gid} is closed\n`, closed.err);
      const { out } = await tx("show", gid);
      assert.match(out, /by hand +closed by ann: the goods were handed over\n/);
      assert.match(out, /ann +pause: the warehouse burns\n/);
      await sql`delete from broken`;
      assert.match(
        closed.err,
        /^shop\.v1\.Stock still holds b2 \(set aside\)\nthe sweep leaves that alone; `mortise tx sweep --end --closed --reason …` ends /,
      );
      const sweep = ["sweep", "--older-than", "0s"];
      for (const how of [[], ["--end", "--reason", "tidy up"]]) {
        const swept = await tx(...sweep, ...how);
        const says = new RegExp(`Stock +0 left behind,.* 1 closed by hand\n +${gid} closed by hand: left alone\n`);
        assert.match(swept.out, says);
        assert.equal(swept.code, 0);
      }
      const ended = await tx(...sweep, "--end", "--closed", "--reason", "it was not handed over after all");
      assert.match(ended.out, new RegExp(`shop\\.v1\\.Stock +1 left behind, 1 ended\n +${gid}\n`));
      assert.match((await tx(...sweep)).out, /shop\.v1\.Stock +nothing older than 0s is left\n/);
    });

    it("goes on without a branch that is closed by hand, and tells that it differs", async () => {
      assert.equal((await tx("reconcile")).code, 0);
      const gid = await stuck("bench");
      const wrong = await tx("close", gid, "--branch", "b7", "--reason", "x");
      assert.match(
        wrong.err,
        /^NOT_FOUND: .* has no branch "b7"; it has b1 \(shop\.v1\.Orders\), b2 \(shop\.v1\.Stock\)/,
      );
      const closed = await tx("close", gid, "--branch", "b2", "--by", "ann", "--reason", "it was handed over");
      assert.equal(closed.out, `${gid} is going on without b2\n`, closed.err);
      await eventually(async () => (await tx("list")).out === "no transactions\n", 120_000);
      const { out } = await tx("show", gid);
      assert.match(out, /^placeOrder .* committed\n/);
      assert.match(out, / ann +close b2: it was handed over\n/);
      const differs = await tx("reconcile", "--participant", "shop.v1.Stock", "--newer-than", "1d");
      assert.equal(differs.code, 1, differs.err);
      const row = new RegExp(
        `${gid} +placeOrder +committed +.* b2 +shop\\.v1\\.Stock +stock +unfinished \\(reserve\\) +b2 .*ann`,
      );
      assert.match(differs.out, row);
      assert.match(differs.out, /1 branch differs in \d+ transactions\n$/);
      const { differences } = JSON.parse((await tx("reconcile", "--json")).out);
      assert.deepEqual(
        differences.map(({ what }: Record<string, unknown>) => what),
        ["unfinished"],
      );
      await sql`delete from broken`;
      await tx("sweep", "--older-than", "0s", "--end", "--closed", "--reason", "the shelf stands again");
      const again = await tx("reconcile");
      assert.match(again.out, /^nothing differs in \d+ transactions\n$/);
      assert.equal(again.code, 0);
    });

    it("aborts by hand what hangs undecided, and only that", async () => {
      const hanging = buy("slow");
      let gid = "";
      await eventually(async () => {
        const { out } = await tx("list", "--status", "active", "--json");
        gid = JSON.parse(out).transactions?.[0]?.gid ?? "";
        return gid !== "";
      }, 120_000);
      const forced = await tx("force", gid, "abort", "--reason", "it hangs");
      assert.equal(forced.out, `${gid} is aborting; its branches follow\n`, forced.err);
      await hanging;
      await eventually(async () => (await tx("show", gid)).out.includes(" aborted\n"), 120_000);
      assert.match((await tx("show", gid)).out, /aborted +FORCED, a person aborted it\n/);
      const again = await tx("force", gid, "commit", "--reason", "changed my mind");
      assert.equal(again.code, 4);
      assert.match(again.err, /^FAILED_PRECONDITION: .* is aborted \(ALREADY_DECIDED\)\n$/);
    });

    const id = randomUUID();
    const wrong: readonly (readonly [what: string, args: readonly string[], code: number, says: RegExp])[] = [
      ["an unknown transaction", ["show", id], 4, /^NOT_FOUND: there is no transaction .* \(NO_SUCH_TRANSACTION\)/],
      [
        "the end of no id",
        ["close", "00000000", "--reason", "x"],
        4,
        /^NOT_FOUND: no transaction that is kept ends with 00000000; .* \(NO_SUCH_TRANSACTION\)/,
      ],
      [
        "no id of a transaction",
        ["show", "12"],
        4,
        /^INVALID_ARGUMENT: "12" is no id of a transaction; write all 36 signs of it, or at least the last 8\n/,
      ],
      [
        "an unknown status",
        ["list", "--status", "done"],
        4,
        /^INVALID_ARGUMENT: "done" is no status; there are active/,
      ],
      [
        "a name nobody has",
        ["pause", "--name", "nosuch"],
        4,
        /^INVALID_ARGUMENT: no open transaction is named "nosuch"; there are placeOrder\n/,
      ],
      [
        "a strategy there is not",
        ["list", "--strategy", "sage"],
        4,
        /^INVALID_ARGUMENT: no transaction goes by a strategy "sage"; there are .*tcc/,
      ],
      [
        "a participant nobody has, to compare with",
        ["reconcile", "--participant", "shop.v1.Stok"],
        4,
        /^INVALID_ARGUMENT: no participant is called "shop\.v1\.Stok"; there are shop\.v1\.Orders, shop\.v1\.Stock\n$/,
      ],
      [
        "a name nobody has, to compare",
        ["reconcile", "--name", "placeOrdr"],
        4,
        /^INVALID_ARGUMENT: no transaction is named "placeOrdr"; there are placeOrder\n$/,
      ],
      ["no transaction to act on", ["pause"], 2, /^error: say which to pause: a gid, or --name or --strategy/],
      ["one and all at once", ["retry", id, "--name", "x"], 2, /^error: say which to retry/],
      ["a time nobody understands", ["list", "--older-than", "5"], 2, /^error: --older-than takes a time such as 90s/],
      ["a limit nobody understands", ["list", "--limit", "many"], 2, /^error: --limit takes a number from 1/],
      ["an outcome there is not", ["force", id, "undo", "--reason", "x"], 2, /commit, abort/],
      [
        "something taken back by looking",
        ["sweep", "--foreign"],
        2,
        /^error: --foreign takes something back: say --end/,
      ],
      ["a sweep without a reason", ["sweep", "--end"], 2, /^error: --end changes data: say why with --reason/],
    ];
    describe("says in one message what is wrong", () => {
      for (const [what, args, code, says] of wrong) {
        it(what, async () => {
          const ran = await tx(...args);
          assert.equal(ran.code, code, ran.err);
          assert.match(ran.err, says);
        });
      }

      it("no place to ask", async () => {
        const { code, err } = await folder.run(["tx", "list"]);
        assert.deepEqual([code, err.startsWith("error: say where to call: --address")], [2, true]);
      });

      it("a place where nobody begins transactions", async () => {
        const { code, err } = await folder.run(["tx", "list", "--address", "127.0.0.1:1"]);
        assert.equal(code, 4);
        assert.doesNotMatch(err, /Resolution note/);
        assert.match(err, /^UNAVAILABLE: .*; transactions are asked about at a running process that begins some\n$/);
      });
    });
  },
);
