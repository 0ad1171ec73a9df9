// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of the configuration, not of this program
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatProblem } from "../core/problems.ts";
import { type ConfigInput, readConfig } from "./read-config.ts";

type Rest = Omit<ConfigInput, "sources"> & { readonly over?: readonly string[] };

function read(text: string, { over = [], ...rest }: Rest = {}) {
  const overlays = over.map((text, index) => ({ file: `shop.${index}.yaml`, text }));
  return readConfig({ sources: [{ file: "shop.yaml", text }, ...overlays], ...rest });
}

function problems(text: string, rest: Rest = {}): string[] {
  return read(text, rest).problems.map(formatProblem);
}

const whole = `
app: shop
use:
  protocol: [grpc, rest]
  loadbalancer: p2c
  bus: { default: nats, audit: nats }
options:
  protocol/grpc: { port: 0 }
  bus/nats#audit:
    servers: [a, b]
services: [user, order]
plugins: { loadbalancer/mine: ./mine.ts }
policies:
  "*": { timeoutMs: 1000 }
  shop.order.v1.Orders/place: { retries: 0 }
`;

describe("a configuration", () => {
  it("is read as written", () => {
    const { file, problems } = read(whole);
    assert.deepEqual(problems, []);
    assert.equal(file.app, "shop");
    assert.deepEqual(file.use, {
      protocol: ["grpc", "rest"],
      loadbalancer: "p2c",
      bus: { default: "nats", audit: "nats" },
    });
    assert.deepEqual(file.options, { "protocol/grpc": { port: 0 }, "bus/nats#audit": { servers: ["a", "b"] } });
    assert.deepEqual(
      file.services.map(({ name, path }) => [name, path]),
      [
        ["user", undefined],
        ["order", undefined],
      ],
    );
    assert.deepEqual(
      file.plugins.map(({ name, path }) => [name, path]),
      [["loadbalancer/mine", "./mine.ts"]],
    );
    assert.deepEqual(file.policies, { "*": { timeoutMs: 1000 }, "shop.order.v1.Orders/place": { retries: 0 } });
  });

  it("knows where everything was written", () => {
    const { locate } = read(whole);
    const at = (...path: (string | number)[]) => {
      const { line, column } = locate(path);
      return `${line}:${column}`;
    };
    assert.equal(at("use", "loadbalancer"), "5:17", "a scalar by its value");
    assert.equal(at("use", "protocol", 1), "4:20", "an item by itself");
    assert.equal(at("use", "bus"), "6:3", "a map by its key");
    assert.equal(at("options", "bus/nats#audit", "servers", 1), "10:18");
    assert.equal(at("options", "bus/nats#audit", "missing", "deeper"), "9:3", "what is not there by what is around it");
    assert.equal(at("policies", "*", "timeoutMs"), "14:21");
  });

  it("reports everything wrong at once, in order of place", () => {
    const text = `
use:
  protocol: [grpc, 3]
  loadbalancer: true
servces: [user]
services: [user, Order]
policies:
  shop/v1/Shop: {}
  shop.v1.Shop: 3
`;
    assert.deepEqual(problems(text), [
      "shop.yaml:2:1  app is missing; begin with `app: <name>`",
      "shop.yaml:3:20  use.protocol.1 takes the name of a plugin, not the number 3",
      "shop.yaml:4:17  use.loadbalancer takes the name of a plugin, a list of names, or names by alias, not the boolean true",
      'shop.yaml:5:1  unknown key "servces". Did you mean services? (app, options, plugins, policies, services, transactions, use)',
      'shop.yaml:6:18  "Order" is not the name of a service in kebab-case',
      'shop.yaml:8:3  "shop/v1/Shop" is nothing a policy can be for; write "*", a service (shop.order.v1.Orders), a pattern (shop.*) or a method (shop.order.v1.Orders/place)',
      "shop.yaml:9:17  policies.shop.v1.Shop takes policy fields, for example `{ timeoutMs: 1000 }`, not the number 3",
    ]);
  });

  it("is refused when there is nothing in it, or no map", () => {
    for (const empty of ["", "\n", "# only a comment\n"]) {
      assert.deepEqual(problems(empty), ["shop.yaml:1:1  the configuration is empty; begin with `app: <name>`"]);
    }
    assert.match(problems("- a")[0] ?? "", /must be a map, not a list/);
    assert.match(problems("hello")[0] ?? "", /must be a map, not the text "hello"/);
  });

  it("is refused where the file itself names a service or a plugin and says no path", () => {
    const text = "app: a\nservices: { stock: , gifts: ./gifts.ts }\nplugins:\n  loadbalancer/mine:\n";
    const { file, problems } = read(text);
    assert.deepEqual(problems.map(formatProblem), [
      "shop.yaml:2:13  services.stock says nothing. Write ./stock/stock.ts, or use a list: [stock]",
      "shop.yaml:4:3  plugins.loadbalancer/mine says nothing. Write the path of its module",
    ]);
    assert.deepEqual(
      file.services.map(({ name }) => name),
      ["gifts"],
      "what is right is read all the same",
    );
  });

  it("says how to write paths of services where they stand in a list", () => {
    assert.deepEqual(problems("app: a\nservices: [stock, { gifts: ./gifts.ts }]"), [
      "shop.yaml:2:19  services.1 takes the name of a service in kebab-case, not a map; to say where one is, make services a map: { stock: ./stock/stock.ts, gifts: ./gifts.ts }",
    ]);
  });

  it("takes only text for the name of the app, in kebab-case", () => {
    assert.deepEqual(problems("app: 12"), ["shop.yaml:1:6  app takes the name of the app, not the number 12"]);
    assert.match(problems("app: My Shop")[0] ?? "", /^shop.yaml:1:6 {2}app takes a name in kebab-case/);
  });

  it("may keep what anchors refer to under keys that begin with x-", () => {
    const { file, problems } = read(
      "x-slow: &slow { timeoutMs: 9 }\napp: a\npolicies: { a.v1.B: *slow, a.v1.C: { <<: *slow, retries: 1 } }",
    );
    assert.deepEqual(problems, []);
    assert.deepEqual(file.policies, { "a.v1.B": { timeoutMs: 9 }, "a.v1.C": { retries: 1, timeoutMs: 9 } });
  });
});

describe("text that is not YAML", () => {
  const cases: readonly (readonly [what: string, text: string, said: RegExp])[] = [
    ["a tab", "app: a\nuse:\n\tbus: nats", /^shop.yaml:3:1 .*indent with spaces/],
    ["an open bracket", "app: a\nuse: { bus: nats\n", /^shop.yaml:3:1 .*not closed before this place/],
    ["an open quote", 'app: "a\n', /^shop.yaml:2:1 .*quotes is not closed/],
    ["a second colon", "app: a: b", /^shop.yaml:1:6 .*second `key: value`/],
    ["a key alone", "app: a\nuse\n", /^shop.yaml:2:1 .*key without a value/],
    ["a second document", "app: a\n---\napp: b", /^shop.yaml:2:1 .*second document/],
    ["a reserved character", "app: @a", /^shop.yaml:1:6 .*in quotes/],
    ["an unknown alias", "app: *a", /^shop.yaml:1:6 .*nothing before this is marked &a/],
    ["a tag", "app: !a b", /^shop.yaml:1:6 .*tags/],
    ["a key that is a list", "app: a\n? [b]\n: c", /^shop.yaml:2:3 .*a key must be a name/],
    ["an alias to what it stands in", "app: &a [*a]", /^shop.yaml:1:9 .*more than 64 levels/],
  ];
  for (const [what, text, said] of cases) {
    it(`${what} is told with its place and what to do`, () => {
      const found = problems(text);
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", said);
    });
  }

  it("does not hide what is wrong in other files", () => {
    const found = problems("app: a\nuse: [", { over: ["use: {a: b, a: c}"] });
    assert.deepEqual(
      found.map((line) => line.slice(0, line.indexOf("  "))),
      ["shop.yaml:2:7", "shop.0.yaml:1:13"],
    );
  });

  it("reports a key written twice, and the rest as well", () => {
    assert.deepEqual(problems("app: a\nuse: { bus: nats, bus: memory }\nusee: 1"), [
      'shop.yaml:2:19  "bus" is already written in line 2; keep one of them',
      'shop.yaml:3:1  unknown key "usee". Did you mean use? (app, options, plugins, policies, services, transactions, use)',
    ]);
  });

  it("refuses aliases that unfold without end", () => {
    const bomb = ["x-0: &a0 [1, 1]"];
    for (let i = 1; i < 30; i++) bomb.push(`x-${i}: &a${i} [*a${i - 1}, *a${i - 1}, *a${i - 1}]`);
    assert.match(problems(`${bomb.join("\n")}\napp: a`)[0] ?? "", /more than 64 levels and 20000 values/);
  });
});

describe("environment variables", () => {
  it("are put into values, which are then read as YAML unless they are quoted", () => {
    const text = `
app: a
options:
  a/b: { port: \${PORT}, host: "\${HOST}", on: \${ON:-true}, text: "\${PORT}", none: \${NONE:-}, list: [\${PORT}, x\${PORT}] }
`;
    const { file, problems } = read(text, { env: { PORT: "8080", HOST: "h" } });
    assert.deepEqual(problems, []);
    assert.deepEqual(file.options["a/b"], {
      port: 8080,
      host: "h",
      on: true,
      text: "8080",
      none: "",
      list: [8080, "x8080"],
    });
  });

  it("are reported with place and fix when they are not set", () => {
    assert.deepEqual(problems('app: a\noptions:\n  a/b: { c: ${A}, d: "x ${B} ${C:-c}" }\n'), [
      "shop.yaml:3:13  environment variable A is not set; set it, or write a default: ${A:-…}",
      "shop.yaml:3:25  environment variable B is not set; set it, or write a default: ${B:-…}",
    ]);
  });

  it("are not needed where an overlay replaces the value", () => {
    const { file, problems } = read("app: ${A}", { over: ["app: b"] });
    assert.deepEqual([file.app, problems], ["b", []]);
  });

  it("never make structure: a value with YAML in it stays one value", () => {
    const { file } = read("app: a\noptions: { a/b: { c: ${EVIL} } }", { env: { EVIL: "x, d: [1]\n# y" } });
    assert.deepEqual(file.options, { "a/b": { c: "x, d: [1]\n# y" } });
  });

  it("have their names kept, so that secrets can be recognised", () => {
    const { root } = read("app: ${A}", { env: { A: "x" } });
    assert.ok(root.kind === "map");
    const app = root.entries.get("app")?.value;
    assert.deepEqual(app?.kind === "scalar" && app.variables, ["A"]);
  });
});

describe("overlays", () => {
  const base = "app: a\nuse: { bus: nats, protocol: [grpc, rest] }\noptions:\n  x/y: { m: 1, n: 2 }\n";

  it("merge maps, replace lists and scalars, and take away what is null", () => {
    const { file, problems } = read(base, { over: ["use: { protocol: [rest] }\noptions: { x/y: { m: null, o: 3 } }"] });
    assert.deepEqual(problems, []);
    assert.deepEqual(file.use, { bus: "nats", protocol: ["rest"] });
    assert.deepEqual(file.options, { "x/y": { n: 2, o: 3 } });
  });

  it("take a service away with null, as --set does, and give a path to one without", () => {
    const text = "app: a\nservices: { stock: ./stock.ts, gifts: ./gifts.ts, carts: ./carts.ts, users: }\n";
    const over = ["services: { stock: null, users: ./users.ts, none: null }"];
    const { file, problems } = read(text, { over, set: ["services.gifts=null"] });
    assert.deepEqual(problems, []);
    assert.deepEqual(
      file.services.map(({ name }) => name),
      ["carts", "users"],
    );
    const listed = read("app: a\nservices: [stock]\n", { over: ["services: { stock: ./stock.ts, gifts: null }"] });
    assert.deepEqual(listed.problems, [], "also where it replaces a list");
  });

  it("keep the place of each value in its own file", () => {
    const { locate } = read(base, { over: ["use: { protocol: [rest] }\n"] });
    assert.deepEqual(locate(["use", "protocol", 0]), { file: "shop.0.yaml", line: 1, column: 19 });
    assert.deepEqual(locate(["use", "bus"]), { file: "shop.yaml", line: 2, column: 13 });
  });
});

describe("--set", () => {
  const text = "app: a\nuse: { bus: nats }\nservices: [user]\n";

  it("lays values over the files, read as YAML", () => {
    const set = [
      "use.bus=memory",
      "use.filter=[tracing, default, -metrics]",
      "options.protocol/grpc.port=50051",
      'options."a.b".c=d=e',
      "policies.*.timeoutMs=5",
      "policies.shop.order.v1.Orders/place.retries=0",
      "options.a/b.empty=",
    ];
    const { file, problems } = read(text, { set });
    assert.deepEqual(problems, []);
    assert.deepEqual(file.use, { bus: "memory", filter: ["tracing", "default", "-metrics"] });
    assert.deepEqual(file.options, { "protocol/grpc": { port: 50051 }, "a.b": { c: "d=e" }, "a/b": { empty: "" } });
    assert.deepEqual(file.policies, { "*": { timeoutMs: 5 }, "shop.order.v1.Orders/place": { retries: 0 } });
  });

  it("takes a key away with null, and wins over overlays", () => {
    const { file } = read(text, { over: ["use: { bus: other, store: x }"], set: ["use.store=null", "use.bus=memory"] });
    assert.deepEqual(file.use, { bus: "memory" });
  });

  it("is the place of what it brought", () => {
    assert.deepEqual(problems(text, { set: ["app=12"] }), [
      "--set app  app takes the name of the app, not the number 12",
    ]);
  });

  it("is refused with an example when it is malformed", () => {
    for (const malformed of ["use.bus", "=x", "use..bus=x", "", "use. =x"]) {
      assert.deepEqual(problems(text, { set: [malformed] }), [
        `--set ${malformed}  write --set path=value, for example --set use.loadbalancer=random`,
      ]);
    }
    assert.match(problems(text, { set: ["services.0=x"] })[0] ?? "", /services is a list; set it as a whole/);
    assert.match(problems(text, { set: ["use.bus=[a"] })[0] ?? "", /not closed/);
  });
});
