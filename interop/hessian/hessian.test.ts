import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Client, callContext, type Metadata, server } from "@mortise/kernel";
import { freePort } from "@mortise/kernel/processes/free-port";
import { eventually, type TestApp, testApp } from "@mortise/kernel/testing";
import { deadline } from "@mortise/plugins/filter/deadline/deadline";
import { hessian } from "@mortise/plugins/protocol/hessian/hessian";
import { file } from "@mortise/plugins/registry/file/file";
import { hessian2 } from "@mortise/plugins/serializer/hessian2/hessian2";
import { Exchange, type ExchangeSeen, exchangeService, javaOptions, type ParcelValue } from "../dubbo/exchange.ts";
import { buildJava, type Java, startJava } from "../dubbo/java.ts";
import { empty, full, joined, shown } from "../dubbo/samples.ts";

const built = await buildJava(import.meta.dirname, { sources: [join(import.meta.dirname, "../dubbo")] });
const skip = built.missing ?? false;
const home = "home" in built ? built.home : "";

const mebibyte = 1024 * 1024;
const plugins = [hessian, hessian2, deadline];
const use = { protocol: "hessian", serializer: "hessian2", filter: ["deadline"] };
/** Java says nothing of its time limit, and the first call finds a Java that is still waking up. */
const policies = { "*": { timeoutMs: 60_000 } };
const options = {
  "serializer/hessian2": javaOptions["serializer/hessian2"],
  "protocol/hessian": {
    services: {
      [Exchange.name]: {
        path: "/exchange",
        arguments: "fields",
        result: "field",
        methods: { echo: { arguments: "message", result: "message" } },
        exceptions: { EXCHANGE: "com.example.interop.ExchangeException" },
      },
    },
  },
};

for (const requests of ["first", "second"]) {
  describe(`a HessianProxyFactory with requests in its ${requests} version, calling a Mortise app`, { skip }, () => {
    const seen: ExchangeSeen = { parcels: [], cancelled: [], nothings: 0 };
    let app: TestApp;
    let java: Java;

    before(async () => {
      app = await testApp({ plugins: [...plugins, exchangeService("mortise", seen)], use, options, policies });
      const url = `http://${app.kernel.get(server).endpoints[0]?.address}/exchange`;
      java = await startJava(home, "com.example.hessian.Client", url, requests);
    });
    after(async () => {
      await java?.stop();
      await app?.stop();
    });

    it("gets back what it sent, whatever is in it", async () => {
      for (const sample of ["full", "empty", "edges", "shared"]) {
        assert.equal(await java.ask(`echo ${sample}`), true, sample);
      }
      assert.deepEqual(shown(seen.parcels[0] as ParcelValue), shown(full));
      const { received } = await java.ask("echo nulls");
      assert.match(received, /^\{text=String , count=Integer 0, .*price=null, sent=null, .*rank=null, serial=null\}$/);
    });

    it("passes several arguments, and none", async () => {
      assert.equal(await java.ask("join"), joined);
      assert.equal(await java.ask("name"), "mortise");
      assert.equal(await java.ask("nothing"), 1);
    });

    it("catches the exceptions it knows, and others with a code", async () => {
      const { error, message: told } = await java.ask("fail business");
      assert.deepEqual([error, told], ["com.example.interop.ExchangeException", "no parcel today: ä"]);
      const { code, message } = await java.ask("fail state");
      assert.deepEqual([code, message], ["FAILED_PRECONDITION", "out of order"]);
      assert.equal((await java.ask("missing")).code, "NoSuchMethodException");
    });

    it("sends headers", async () => {
      assert.equal((await java.ask("attachments"))["x-a"], "1");
    });

    it("sends and receives 1 MiB, and calls from many threads at once", async () => {
      assert.equal(await java.ask(`data ${mebibyte}`), mebibyte);
      assert.equal(await java.ask(`size ${mebibyte}`), mebibyte);
      assert.equal(await java.ask(`text ${mebibyte - 1}`), mebibyte - 1);
      assert.equal(await java.ask("many 100"), 1000);
    });

    it("gives up in time, and the handler hears of it", async () => {
      assert.equal((await java.ask("sleep 60000")).cause, "java.net.SocketTimeoutException");
      await eventually(() => seen.cancelled.length > 0);
    });
  });
}

describe("a HessianSkeleton in Java, called by a Mortise app", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "mortise-hessian-"));
  let port = 0;
  let java: Java;
  let app: TestApp;
  let exchange: Client<typeof Exchange>;
  const start = () => startJava(home, "com.example.hessian.Server", `${port}`);

  before(async () => {
    port = await freePort();
    java = await start();
    const instance = { service: Exchange.name, address: `127.0.0.1:${port}`, protocol: "hessian" };
    writeFileSync(
      join(folder, "java.json"),
      JSON.stringify({ instances: [{ ...instance, serializers: ["hessian2"] }] }),
    );
    app = await testApp({
      plugins: [...plugins, file],
      use: { ...use, registry: "file" },
      options: { ...options, "registry/file": { dir: folder, pollMs: 50 } },
      policies,
    });
    exchange = app.clients.client(Exchange);
  });
  after(async () => {
    await app?.stop();
    java?.kill();
    rmSync(folder, { recursive: true });
  });

  it("gives back what it was sent, whatever is in it", async () => {
    const inner = { ...empty, inner: { ...empty, share: 1e300 } };
    const edges = { ...empty, count: -(2 ** 31), weight: -(2n ** 63n), share: 5e-324, price: "-1E+3", inner };
    for (const parcel of [full, empty, edges]) assert.deepEqual(shown(await exchange.echo(parcel)), shown(parcel));
  });

  it("takes several arguments, and none", async () => {
    const { text, count, weight, share, fragile, price, sent, tags, labels, color, address } = full;
    const join = { text, count, weight, share, fragile, price, sent, tags, labels, color, address };
    assert.equal((await exchange.join(join)).text, joined);
    assert.equal((await exchange.name({})).text, "java");
    await exchange.nothing({});
    assert.equal((await exchange.nothings({})).size, 1);
  });

  it("gives its exceptions with class and fields", async () => {
    await assert.rejects(exchange.fail({ kind: "business" }), {
      name: "StatusError",
      code: "UNKNOWN",
      reason: "EXCHANGE",
      message: "no parcel today: ä",
      details: { exception: "com.example.interop.ExchangeException", level: "3" },
    });
    await assert.rejects(exchange.fail({ kind: "state" }), { code: "FAILED_PRECONDITION", message: "out of order" });
    await assert.rejects(exchange.fail({ kind: "what" }), { code: "INVALID_ARGUMENT", message: "what" });
  });

  it("exchanges headers", async () => {
    const back: Metadata[] = [];
    const context = callContext({ metadata: { "x-a": "1" }, onHeaders: (headers) => void back.push(headers) });
    assert.equal((await exchange.attachments({}, context)).attachments.get("x-a"), "1");
    assert.equal(back[0]?.get("back-x-a"), "1");
  });

  it("takes and sends 1 MiB, and hundreds of calls at once", async () => {
    assert.equal((await exchange.data({ size: mebibyte })).data.length, mebibyte);
    assert.equal((await exchange.size({ data: new Uint8Array(mebibyte) })).size, mebibyte);
    const parcels = Array.from({ length: 500 }, (_, count) => ({ ...empty, count }));
    const answers = await Promise.all(parcels.map((parcel) => exchange.echo(parcel)));
    assert.deepEqual(
      answers.map(({ count }) => count),
      parcels.map(({ count }) => count),
    );
  });

  it("is not waited for beyond the deadline", async () => {
    await assert.rejects(exchange.sleep({ ms: 3000 }, callContext({ timeoutMs: 200 })), { code: "DEADLINE_EXCEEDED" });
  });

  it("is called again when it comes back after a crash", async () => {
    java.kill();
    await eventually(() =>
      exchange.name({}).then(
        () => false,
        (error) => error.code === "UNAVAILABLE",
      ),
    );
    java = await start();
    await eventually(async () => (await exchange.name({}).catch(() => undefined))?.text === "java", 60_000);
  });
});
