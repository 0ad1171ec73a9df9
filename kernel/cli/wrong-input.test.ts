// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of the configuration, not of this program
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { type RunOptions, type TestFolder, testFolder } from "./command.fixture.ts";

const hello = `
import { defineService } from "@mortise/kernel";
import { message, rpc, service, string } from "@mortise/kernel/contract";
export const Name = message("hello.v1.Name", { name: string(1) });
export const Hello = service("hello.v1.Hello", { greet: rpc(Name, Name, { readOnly: true }) });
export const hello = defineService(Hello, {
  description: "Greets",
  setup: () => ({ handlers: { greet: ({ name }) => ({ name: "Hello " + name }) } }),
});
`;

const plugin = (spi: string, name: string, rest: string) => `
import { definePlugin, defineSpi, live, loadBalancer, store } from "@mortise/kernel";
export const made = definePlugin({ spi: ${spi}, name: "${name}", description: "Made", ${rest} });
`;

const app = (rest: string) => `app: hello\nservices: [hello]\n${rest}`;

async function folderWith(files: Readonly<Record<string, string>>): Promise<TestFolder> {
  return testFolder({ "hello/hello.ts": hello, ...files });
}

interface Expected {
  readonly code: number;
  /** One pattern per line of standard error. */
  readonly says: readonly RegExp[];
}

async function refuses(folder: TestFolder, args: readonly string[], { code, says }: Expected, options?: RunOptions) {
  const ran = await folder.run(args, options);
  const lines = ran.err.trimEnd().split("\n");
  const told = `${args.join(" ")}\n${ran.err}${ran.out}`;
  for (const [index, pattern] of says.entries()) assert.match(lines[index] ?? "", pattern, told);
  assert.equal(lines.length, says.length, told);
  assert.equal(ran.code, code, told);
  assert.doesNotMatch(ran.err, /^\s+at /m, "a stack is shown");
}

async function takenPort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  return { port, [Symbol.asyncDispose]: async () => void server.close() };
}

describe("start with a mistake in the configuration", () => {
  const nothing = /^\d+ problems?, nothing was started\.$/;
  const cases: readonly (readonly [what: string, yaml: string, ...says: RegExp[]])[] = [
    [
      "an unknown plugin",
      app("use: { loadbalancer: randm }"),
      /^app\.yaml:3:22 {2}loadbalancer "randm" .*Did you mean random\?/,
    ],
    [
      "an unknown extension point",
      app("use: { loadblancer: random }"),
      /^app\.yaml:3:21 .*Did you mean loadbalancer\?/,
    ],
    [
      "a misspelt option",
      app("options: { protocol/grpc: { prt: 1 } }"),
      /^app\.yaml:3:34 .*unknown option "prt"\. Did you mean port\?/,
    ],
    [
      "an option of the wrong type",
      app("options: { protocol/grpc: { port: high } }"),
      /^app\.yaml:3:35 .*option "port": .*number/,
    ],
    [
      "options for no plugin",
      app("options: { protocol/grcp: { port: 1 } }"),
      /^app\.yaml:3:12 .*Did you mean protocol\/grpc\?/,
    ],
    [
      "a missing variable",
      app("options: { protocol/grpc: { port: ${PORT} } }"),
      /^app\.yaml:3:35 .*PORT is not set; set it/,
    ],
    [
      "an unknown policy field",
      app('policies: { "*": { timeoutms: 1 } }'),
      /^app\.yaml:3:31 .*unknown field "timeoutms"\. Did you mean timeoutMs\?/,
    ],
    [
      "an unknown method in a policy",
      app("policies: { hello.v1.Hello/gret: { retries: 1 } }"),
      /^app\.yaml:3:13 .*no method "gret"\. Did you mean greet\?/,
    ],
    [
      "a missing service",
      "app: hello\nservices: [helo]",
      /^app\.yaml:2:12 .*no file helo\/helo\.ts\. Did you mean hello\?/,
    ],
    ["no YAML", "app: [", /^app\.yaml:1:7 .*not closed/],
    [
      "two problems at once",
      app("ues: 1\nuse: { bus: kafka }"),
      /^app\.yaml:3:1 .*Did you mean use\?/,
      /^app\.yaml:4:13 .*"kafka"/,
    ],
  ];
  for (const [what, yaml, ...says] of cases) {
    it(`says where and how to put it right: ${what}`, async () => {
      await using folder = await folderWith({ "app.yaml": yaml });
      await refuses(folder, ["start", "app.yaml"], { code: 1, says: [...says, nothing] });
    });
  }

  it("says which file is missing", async () => {
    await using folder = await folderWith({ "app.yaml": app("") });
    await refuses(folder, ["start", "ap.yaml"], {
      code: 1,
      says: [/^ap\.yaml {2}there is no such file\. Did you mean app\.yaml\?/, nothing],
    });
    await refuses(folder, ["start", "app.yaml", "--profile", "x"], {
      code: 1,
      says: [/^app\.x\.yaml .*no profile "x"/, nothing],
    });
  });

  it("says what is wrong with --set", async () => {
    await using folder = await folderWith({ "app.yaml": app("") });
    await refuses(folder, ["start", "app.yaml", "--set", "use.loadbalancer=p2x"], {
      code: 1,
      says: [/^--set use\.loadbalancer {2}loadbalancer "p2x"/, nothing],
    });
  });
});

describe("start with a mistake in a plugin", () => {
  const using = (rest = "") =>
    `app: hello\nplugins: { loadbalancer/made: ./made.ts }\nuse: { loadbalancer: made }\nservices: [hello]\n${rest}`;
  const api = "setup: () => ({ api: { picker: () => ({ pick: () => undefined }) } })";
  const cases: readonly (readonly [what: string, source: string, says: RegExp])[] = [
    ["a file that is no TypeScript", "export const made = ;", /^app\.yaml:3:22 .*made\.ts:1/],
    ["a file that throws", "\nthrow new Error('no luck');", /^app\.yaml:3:22 .*no luck.*made\.ts:2/],
    ["a file without a plugin", "export const made = 1;", /^app\.yaml:3:22 .*exports no plugin/],
    [
      "a plugin of another name",
      plugin("loadBalancer", "other", api),
      /^app\.yaml:3:22 .*exports no plugin loadbalancer\/made\. .*loadbalancer\/other/,
    ],
    ["a package that is not installed", 'import "not-installed";', /^app\.yaml:3:22 .*npm install not-installed/],
  ];
  for (const [what, source, says] of cases) {
    it(`says which and where: ${what}`, async () => {
      await using folder = await folderWith({ "app.yaml": using(), "made.ts": source });
      await refuses(folder, ["start", "app.yaml"], { code: 1, says: [says, /^1 problem, nothing was started\.$/] });
    });
  }

  it("says which two plugins have one name", async () => {
    const yaml = "app: hello\nplugins: [./made.ts]\nuse: { loadbalancer: random }\nservices: [hello]";
    await using folder = await folderWith({ "app.yaml": yaml, "made.ts": plugin("loadBalancer", "random", api) });
    await refuses(folder, ["start", "app.yaml"], {
      code: 1,
      says: [
        /^app\.yaml:3:22 .*two plugins have the id loadbalancer\/random: .*made\.ts.*@mortise\/plugins/,
        /^1 problem/,
      ],
    });
  });

  it("says which plugins need each other in a circle", async () => {
    const source = plugin("loadBalancer", "made", `needs: { other: defineSpi("other", { kind: "one" }) }, ${api}`);
    const other = plugin(
      'defineSpi("other", { kind: "one" })',
      "one",
      "needs: { balancer: loadBalancer }, setup: () => ({ api: {} })",
    );
    const yaml = `app: hello\nplugins: { loadbalancer/made: ./made.ts, other/one: ./one.ts }\nuse: { loadbalancer: made, other: one }\nservices: [hello]`;
    await using folder = await folderWith({ "app.yaml": yaml, "made.ts": source, "one.ts": other });
    await refuses(folder, ["start", "app.yaml"], {
      code: 1,
      says: [/^app\.yaml:3:\d+ .*circle: .*loadbalancer\/made.*other\/one.*live/, /^1 problem/],
    });
  });

  it("says which plugin hangs while it starts", async () => {
    const source = plugin("loadBalancer", "made", "setup: () => new Promise(() => {})");
    await using folder = await folderWith({ "app.yaml": using(), "made.ts": source });
    await refuses(folder, ["start", "app.yaml", "--start-timeout", "0.3"], {
      code: 3,
      says: [/^app\.yaml:3:22 {2}loadbalancer\/made did not start within \d+ ms/, /^1 problem, nothing is running\.$/],
    });
  });
});

describe("start with something lacking around it", () => {
  it("says which port is taken", async () => {
    await using taken = await takenPort();
    await using folder = await folderWith({ "app.yaml": app(`options: { protocol/grpc: { port: ${taken.port} } }`) });
    await refuses(folder, ["start", "app.yaml"], {
      code: 3,
      says: [
        new RegExp(`^app\\.yaml:2:1 .*${taken.port}: another process has it; give .*port`),
        /^1 problem, nothing is running\.$/,
      ],
    });
  });

  it("says which database does not answer", async () => {
    const keeper = hello
      .replace(
        "setup: () =>",
        "needs: { store }, setup: async ({ deps }) => (await deps.store.database('hello'), 0) ||",
      )
      .replace("{ defineService }", "{ defineService, store }");
    const yaml = app(
      `use: { store: postgres }\noptions: { store/postgres: { url: "postgres://a:b@127.0.0.1:1", startTimeoutMs: 200 } }`,
    );
    await using folder = await folderWith({ "app.yaml": yaml, "hello/hello.ts": keeper });
    await refuses(folder, ["start", "app.yaml"], {
      code: 3,
      says: [/^app\.yaml:\d+:\d+ .*127\.0\.0\.1:1/, /^1 problem/],
    });
  });

  it("says which NATS server does not answer", async () => {
    const yaml = app(
      `use: { bus: nats }\noptions: { bus/nats: { servers: "nats://127.0.0.1:1", startTimeoutMs: 200 } }`,
    );
    await using folder = await folderWith({ "app.yaml": yaml });
    await refuses(folder, ["start", "app.yaml"], { code: 3, says: [/^app\.yaml:3:13 .*127\.0\.0\.1:1/, /^1 problem/] });
  });
});

describe("a wrong command line", () => {
  it("is told in one message, with the way to help", async () => {
    await using folder = await folderWith({ "app.yaml": app("") });
    const help = /^Add --help/;
    await refuses(folder, ["strat", "app.yaml"], {
      code: 2,
      says: [/^error: unknown command 'strat'/, /Did you mean start\?/, help],
    });
    await refuses(folder, ["start"], { code: 2, says: [/^error: missing required argument 'file'/, help] });
    await refuses(folder, ["start", "app.yaml", "--prfile", "x"], {
      code: 2,
      says: [/^error: unknown option '--prfile'/, /--profile/, help],
    });
    await refuses(folder, ["start", "app.yaml", "--log-level", "loud"], {
      code: 2,
      says: [/^error: .*'loud'.*debug/, help],
    });
    await refuses(folder, ["start", "app.yaml", "--start-timeout", "soon"], {
      code: 2,
      says: [/^error: --start-timeout takes .*"soon"/],
    });
  });
});
