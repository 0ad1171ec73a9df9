import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { MethodKind, Plugin, ProtocolFacts } from "@mortise/kernel";
import { loadApp } from "@mortise/kernel/config";
import {
  echoEvents,
  natsServer,
  onServer,
  type RealServer,
  surroundings,
  type TestApp,
  testApp,
} from "@mortise/kernel/testing";
import { type Carried, checks, clientOf, echoOf, echoPlugin } from "./carried.fixture.ts";
import { installedOf } from "./installed.fixture.ts";

const all: readonly MethodKind[] = ["unary", "server-stream", "client-stream", "bidi-stream"];

const protocols = [...(await installedOf("protocol")).values()];
const serializers = [...(await installedOf("serializer")).values()];

const factsOf = ({ facts }: Plugin) => facts as ProtocolFacts;

function isAllowed(protocol: Plugin, serializer: Plugin): boolean {
  return factsOf(protocol).serializers?.only.includes(serializer.name) ?? true;
}

/** Starts a server and a client, each with a kernel of its own; within a process those are the same for `inproc`. */
async function start(protocol: Plugin, serializer: Plugin, server: RealServer) {
  const events = echoEvents();
  const contract = echoOf(factsOf(protocol).kinds);
  const common = {
    around: surroundings(),
    use: { protocol: protocol.name, serializer: serializer.name },
    ...(protocol.name === "nats" && { options: { "protocol/nats": { servers: server.url } } }),
    policies: { "*": { timeoutMs: 30_000 } },
  };
  const plugins = [protocol, serializer];
  const serving = await testApp({ ...common, plugins: [...plugins, echoPlugin(contract, events)] });
  const calling = protocol.name === "inproc" ? serving : await testApp({ ...common, plugins });
  const apps: readonly TestApp[] = calling === serving ? [serving] : [calling, serving];
  return { carried: { echo: clientOf(calling, contract), events } satisfies Carried, apps };
}

await onServer("every protocol with every serializer it carries", natsServer, (server) => {
  it("is found in the catalogue", () => {
    const names = protocols.map(({ name }) => name);
    for (const name of ["grpc", "inproc", "nats", "rest"]) assert.ok(names.includes(name), name);
    assert.ok(serializers.length >= 4);
  });

  for (const protocol of protocols) {
    for (const serializer of serializers.filter((one) => isAllowed(protocol, one))) {
      describe(`${protocol.name} with ${serializer.name} carries`, () => {
        let carried: Carried;
        let apps: readonly TestApp[] = [];
        before(async () => {
          ({ carried, apps } = await start(protocol, serializer, server));
        });
        after(async () => {
          for (const app of apps) await app.stop();
        });
        for (const { what, kinds, check } of checks) {
          if (kinds.every((kind) => factsOf(protocol).kinds.includes(kind))) it(what, () => check(carried));
        }
      });
    }
  }
});

describe("what a protocol does not carry", () => {
  const dir = mkdtempSync(join(tmpdir(), "matrix-"));
  after(() => rmSync(dir, { recursive: true, force: true }));

  /** What planning says of an app with this protocol and serializer, and a service with these methods. */
  async function problems(protocol: Plugin, serializer: Plugin, kinds: readonly MethodKind[]) {
    const file = join(dir, "app.yaml");
    const module = `echo-${kinds.length}.ts`; // modules are loaded once
    writeFileSync(join(dir, module), serviceText(kinds));
    writeFileSync(
      file,
      `app: test\nuse: { protocol: ${protocol.name}, serializer: ${serializer.name} }\nservices: { echo: ./${module} }\n`,
    );
    const app = await loadApp(file);
    return app.problems.filter(({ code }) => /NOT_CARRIED$/.test(code));
  }

  for (const protocol of protocols) {
    const { kinds, serializers: only } = factsOf(protocol);
    for (const serializer of serializers) {
      const allowed = isAllowed(protocol, serializer);
      it(`${protocol.name} with ${serializer.name} is ${allowed ? "planned" : "refused with the reason"}`, async () => {
        const found = await problems(protocol, serializer, kinds);
        assert.deepEqual(
          found.map(({ code }) => code),
          allowed ? [] : ["SERIALIZER_NOT_CARRIED"],
        );
        if (!allowed) assert.ok(found[0]?.message.includes(only?.reason ?? "?"), found[0]?.message);
      });
    }
    const missing = all.filter((kind) => !kinds.includes(kind));
    if (missing.length > 0) {
      it(`${protocol.name} is refused for methods that are ${missing.join(", ")}`, async () => {
        const serializer = serializers.find((one) => isAllowed(protocol, one)) as Plugin;
        const found = await problems(protocol, serializer, all);
        assert.ok(found.length > 0 && found.every(({ code }) => code === "KIND_NOT_CARRIED"));
        for (const kind of missing)
          assert.ok(
            found.some(({ message }) => message.includes(`is a ${kind} method`)),
            kind,
          );
      });
    }
  }
});

/** The module of a service with methods of these kinds, outside of this repository as an app is. */
function serviceText(kinds: readonly MethodKind[]): string {
  const from = join(import.meta.dirname, "carried.fixture.ts");
  return `import { echoOf, echoPlugin } from ${JSON.stringify(from)};
export const echo = echoPlugin(echoOf(${JSON.stringify(kinds)}), { begun: 0, cancelled: [], produced: 0, read: 0, finished: 0 });
`;
}
