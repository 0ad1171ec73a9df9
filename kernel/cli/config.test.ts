import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { helloService, type Started, type TestFolder, testFolder } from "./command.fixture.ts";

const yaml = `app: hello
use: { protocol: grpc, registry: file, config-source: file, filter: [default, answer] }
plugins: { filter/answer: ./answer.ts }
options: { registry/file: { dir: registry } }
services: [hello]
policies:
  "*": { timeoutMs: 700 }
  hello.v1.Hello: { timeoutMs: 500 }
`;
/** A filter whose policy can be seen from outside. */
const answer = `
import { definePlugin, filter, noMetadata, policyFields } from "@mortise/kernel";
import { z } from "zod";
const policy = policyFields({ answer: z.string().default("") });
export const answering = definePlugin({
  spi: filter,
  name: "answer",
  description: "Answers what its policy says",
  policy: policy.schemas,
  setup: () => ({
    api: {
      wrap(site) {
        const { answer } = policy.of(site);
        if (answer === "" || site.place !== "provider") return undefined;
        return () => async () => ({ response: { text: answer, number: 0 }, headers: noMetadata, trailers: () => noMetadata });
      },
    },
  }),
});
`;
const answers = (text: string) => `policies:
  hello.v1.Hello/greet: { answer: ${text} }
`;

let folder: TestFolder;
let app: Started;

before(async () => {
  folder = await testFolder({ "hello/hello.ts": helloService, "answer.ts": answer, "app.yaml": yaml });
  app = await folder.start(["app.yaml"]);
});
after(async () => {
  await app.stop();
  await folder[Symbol.asyncDispose]();
});

const config = (command: string, ...rest: string[]) => folder.run(["config", command, "app.yaml", ...rest]);
const applied = (version: number, by: Started = app) =>
  by.logged(({ message }) => message === `version ${version} of the central rules is applied`);

async function greeting(started: Started = app): Promise<string> {
  const [endpoint] = started.up.endpoints as readonly { readonly address: string }[];
  const { out } = await folder.run([
    "call",
    "hello.v1.Hello/greet",
    '{"name":"Ann"}',
    "--address",
    endpoint?.address ?? "",
  ]);
  return JSON.parse(out).text;
}

async function published(version: number, text: string): Promise<void> {
  const stored = { version, text, at: 0, by: "eve", note: "past the check" };
  await writeFile(join(folder.path, `.mortise/rules/hello/versions/${version}.json`), JSON.stringify(stored));
}

async function statusOf() {
  const { out } = await config("status", "--json");
  return JSON.parse(out) as {
    newest: number;
    processes: { runs: number; refused?: { version: number; reason: string } }[];
  };
}

describe("config", () => {
  it("shows that nothing is published yet", async () => {
    assert.equal((await config("history")).out, "nothing is published yet\n");
    const { code, err } = await config("get");
    assert.deepEqual([code, /nothing is published yet for hello/.test(err)], [1, true]);
    assert.deepEqual(
      (await statusOf()).processes.map(({ runs }) => runs),
      [0],
    );
  });

  it("publishes rules that a running process applies", async () => {
    await folder.put("rules.yaml", answers("one"));
    const { code, out } = await config("put", "rules.yaml", "--by", "ann", "--note", "try it");
    assert.deepEqual([code, out], [0, "version 1 of the central rules of hello is published\n"]);
    await applied(1);
    assert.equal(await greeting(), "one");
    assert.deepEqual(
      (await statusOf()).processes.map(({ runs }) => runs),
      [1],
    );
  });

  it("publishes nothing that is wrong, and says where", async () => {
    await folder.put("bad.yaml", "policies:\n  hello.v1.Hello/greet: { anwser: x }\n");
    const { code, err } = await config("put", "bad.yaml");
    assert.equal(code, 1);
    assert.match(
      err,
      /^bad\.yaml:2:35 {2}policy for hello\.v1\.Hello\/greet: unknown field "anwser"\. Did you mean answer\?/,
    );
    assert.match(err, /1 problem, nothing was published\./);
    await folder.put("more.yaml", "use: { loadbalancer: p2c }\npolicies: { '*': { timeoutMs: $" + "{T} } }\n");
    const more = await config("put", "more.yaml");
    assert.match(more.err, /more\.yaml:1:1 {2}"use" cannot be set centrally/);
    assert.match(more.err, /more\.yaml:2:31 {2}central rules take no variables/);
    assert.equal((await statusOf()).newest, 1);
  });

  it("publishes no rules that only undo those before, unless that is meant", async () => {
    await folder.put("none.yaml", "# nothing\n");
    await folder.put("typo.yaml", "policies:\n  hello.v1.Helo: { timeoutMs: 100 }\n");
    const empty = await config("put", "none.yaml");
    const why = "so those that hold now would hold no more; nothing was published. If it is meant, say --force\n";
    assert.deepEqual([empty.code, empty.err], [1, `error: none.yaml holds no rules, ${why}`]);
    const typo = await config("put", "typo.yaml");
    assert.equal(typo.code, 1);
    assert.match(typo.err, /warning: .* Did you mean hello\.v1\.Hello\?/);
    assert.match(typo.err, /error: no name in typo\.yaml is known here, so .* say --force\n$/);
    assert.equal((await statusOf()).newest, 1);
  });

  it("publishes nothing made from a version that is not the newest", async () => {
    const { code, err } = await config("put", "rules.yaml", "--after", "0");
    assert.deepEqual([code, err], [4, "ABORTED: the rules of hello have changed: version 1 came after 0\n"]);
  });

  it("explains which values come from central rules, and that they are laid over the file, target by target", async () => {
    await folder.put("rules.yaml", `${answers("two")}  hello.v1.Hello: { timeoutMs: 400 }\n`);
    await config("put", "rules.yaml", "--by", "bob");
    await applied(2);
    const explain = async (...more: string[]) => {
      const { out } = await folder.run(["explain", "app.yaml", "hello.v1.Hello/greet", "--json", ...more]);
      return JSON.parse(out).limits[0];
    };
    assert.deepEqual(await explain(), {
      name: "timeoutMs",
      value: 400,
      target: "hello.v1.Hello",
      location: { file: "central rules 2", line: 3, column: 32 },
    });
    assert.equal((await explain("--no-central")).value, 500);
    assert.equal((await explain("--set", "policies.hello.v1.Hello.timeoutMs=300")).value, 300);
  });

  it("keeps the last good rules where newer ones are bad, and reports why", async () => {
    await published(3, "policies:\n  hello.v1.Hello/greet: { timeoutMs: soon }\n");
    await app.logged(({ message }) => message.startsWith("version 3 of the central rules is refused"));
    assert.equal(await greeting(), "two");
    const [report] = (await statusOf()).processes;
    assert.equal(report?.runs, 2);
    assert.equal(report?.refused?.version, 3);
    assert.match(report?.refused?.reason ?? "", /^central rules 3:2:38 .*timeoutMs/);
    assert.equal((await config("status")).code, 1);
  });

  it("goes back to an earlier version by publishing it again", async () => {
    assert.equal(
      (await config("rollback", "1", "--by", "ann")).out,
      "version 4 of the central rules of hello is published\n",
    );
    await applied(4);
    assert.equal(await greeting(), "one");
    const { out } = await config("history");
    assert.deepEqual(
      out
        .trimEnd()
        .split("\n")
        .map((line) => line.replace(/\S+Z/, "at").replace(/ +/g, " ")),
      [
        "version 4 at ann back to version 1",
        "version 3 at eve past the check",
        "version 2 at bob",
        "version 1 at ann try it",
      ],
    );
    assert.equal((await config("get")).out, answers("one"));
    assert.equal((await config("get", "2")).out.includes("two"), true);
    assert.equal((await config("get", "9")).code, 1);
    assert.equal((await config("get", "nine")).code, 2);
  });

  it("keeps central rules over a change of the app file", async () => {
    await folder.put("app.yaml", yaml.replace("700", "800"));
    await app.logged(({ message }) => message === "the change of the configuration is applied");
    assert.equal(await greeting(), "one");
    assert.equal((await statusOf()).processes[0]?.runs, 4);
  });

  it("starts with the rules that were good last when the newest are not, and when there is no source", async () => {
    await published(5, "policies: [");
    const bad = await folder.start(["app.yaml"]);
    assert.equal(await greeting(bad), "one");
    await bad.stop();
    await rm(join(folder.path, ".mortise/rules"), { recursive: true });
    await writeFile(join(folder.path, ".mortise/rules"), "a file where the folder was: the source is broken");
    const alone = await folder.start(["app.yaml"]);
    assert.equal(await greeting(alone), "one");
    assert.ok(alone.log.some(({ message }) => /the config source does not answer; version 4/.test(message)));
    const { err } = await folder.run(["explain", "app.yaml", "hello.v1.Hello/greet"]);
    assert.match(err, /the central rules cannot be asked for; version 4, which was good last here, is shown/);
    await alone.stop();
  });

  it("is not there for an app without a source", async () => {
    await folder.put("plain.yaml", yaml.replace("config-source: file, ", ""));
    const { code, err } = await folder.run(["config", "status", "plain.yaml"]);
    assert.deepEqual(
      [code, err],
      [2, "error: plain.yaml has no central rules; select a source under use: { config-source: file }\n"],
    );
  });
});
