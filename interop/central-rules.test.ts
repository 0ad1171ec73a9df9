// Rules that are published once reach all processes of an app over NATS, also those that start while NATS is away.
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { natsServer, onServer } from "@mortise/kernel/testing";
import { helloService, type Started, type TestFolder, testFolder } from "../kernel/cli/command.fixture.ts";

/** Calls the other service of its process. */
const callerService = `
import { client, defineService } from "@mortise/kernel";
import { rpc, service } from "@mortise/kernel/contract";
import { Greeting, Hello, Name } from "../hello/hello.ts";
export const Caller = service("caller.v1.Caller", { ask: rpc(Name, Greeting, { readOnly: true }) });
export const caller = defineService(Caller, {
  name: "caller",
  description: "Asks for a greeting",
  needs: { hello: client(Hello) },
  setup: ({ deps }) => ({ handlers: { ask: (name, call) => deps.hello.greet(name, call) } }),
});
`;

await onServer(
  "central rules over NATS",
  () => natsServer({ ours: true }),
  (server) => {
    let folder: TestFolder;
    let processes: Started[];

    before(async () => {
      const yaml = `app: hello
use: { protocol: grpc, registry: file, config-source: nats-kv }
options: { registry/file: { dir: registry }, config-source/nats-kv: { servers: "${server.url}" } }
services: [hello, caller]
`;
      const services = { "hello/hello.ts": helloService, "caller/caller.ts": callerService };
      folder = await testFolder({ ...services, "app.yaml": yaml });
      processes = await Promise.all([1, 2, 3].map(() => folder.start(["app.yaml"])));
    });
    after(() => folder[Symbol.asyncDispose]());

    const config = (...args: string[]) => folder.run(["config", ...args]);
    const applied = (version: number) =>
      Promise.all(
        processes.map((one) =>
          one.logged(({ message }) => message === `version ${version} of the central rules is applied`),
        ),
      );

    it("are applied by every process, and each tells so", async () => {
      for (const version of [1, 2]) {
        await folder.put("rules.yaml", `policies: { "*": { timeoutMs: ${version * 100} } }\n`);
        const { code, err } = await config("put", "app.yaml", "rules.yaml");
        assert.equal(code, 0, err);
        await applied(version);
      }
      const { processes: reports } = JSON.parse((await config("status", "app.yaml", "--json")).out);
      assert.deepEqual(
        reports.map(({ runs }: { runs: number }) => runs),
        [2, 2, 2],
      );
    });

    it("change where calls go, by rules that no app file has prepared", async () => {
      const asking = ["call", "caller.v1.Caller/ask", '{"name":"Ann"}', "--app", "app.yaml", "--timeout", "60000"];
      const ask = () => folder.run(asking);
      for (const [version, rule] of [
        [3, '["method=greet =>"]'],
        [4, "[]"],
      ] as const) {
        await folder.put(
          "rules.yaml",
          `policies: { "*": { timeoutMs: 60000 }, hello.v1.Hello: { conditions: ${rule} } }\n`,
        );
        const { code, err } = await config("put", "app.yaml", "rules.yaml");
        assert.equal(code, 0, err);
        assert.equal(err, "", "the rule has an effect");
        await applied(version);
        const { out, err: refused } = await ask();
        if (version === 3) assert.match(refused, /the routers leave none of the \d+ instances of hello\.v1\.Hello/);
        else assert.match(out, /Hello Ann/);
      }
    });

    it("hold on while NATS is away, for processes that start then, too", async () => {
      await server.kill();
      const late = await folder.start(["app.yaml"]);
      assert.ok(
        late.log.some(({ message }) => /does not answer; version 4 of the central rules is taken/.test(message)),
      );
      processes.push(late);
      await server.restart();
      const publish = async () => (await config("rollback", "app.yaml", "1")).code === 0;
      for (let tries = 0; tries < 10 && !(await publish()); tries++);
      await applied(5);
      await Promise.all(processes.map((one) => one.stop()));
    });
  },
);
