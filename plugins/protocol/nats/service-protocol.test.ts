import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { emptyNote } from "@mortise/kernel/spi/serializer.conformance";
import { Echo, eventually, natsServer, onServer } from "@mortise/kernel/testing";
import { connect, createInbox, headers, JSONCodec, type NatsConnection } from "nats";
import { begin, calling, stopAll } from "./nats.fixture.ts";

const codec = JSONCodec<Record<string, unknown>>();
const name = "mortise-testing-v1-Echo";
const echoSubject = "mortise.rpc.mortise.testing.v1.Echo.Echo";

/** The answers to a request of the service protocol: as many as are expected, and what else comes soon after them. */
async function asked(nats: NatsConnection, subject: string, expected = 1): Promise<Record<string, unknown>[]> {
  const answers: Record<string, unknown>[] = [];
  const reply = createInbox();
  const inbox = nats.subscribe(reply, {
    callback: (_, { data, headers }) => {
      if (headers?.code !== 503) answers.push(codec.decode(data)); // nobody listens
    },
  });
  nats.publish(subject, undefined, { reply });
  await eventually(() => answers.length >= expected);
  await sleep(200);
  inbox.unsubscribe();
  return answers;
}

await onServer("protocol/nats for other clients of NATS", natsServer, ({ url }) => {
  let nats: NatsConnection;
  before(async () => {
    nats = await connect({ servers: url });
  });
  after(() => nats.close());

  it("answers PING, INFO and STATS of the service protocol, each instance for itself", async () => {
    const [one, two] = await Promise.all([begin(url), begin(url)]);
    try {
      const pings = await asked(nats, "$SRV.PING", 2);
      assert.equal(pings.length, 2);
      assert.deepEqual(Object.keys(pings[0] ?? {}).sort(), ["id", "metadata", "name", "type", "version"]);
      assert.equal(pings[0]?.type, "io.nats.micro.v1.ping_response");
      assert.deepEqual([pings[0]?.name, pings[0]?.version], [name, "1.0.0"]);
      assert.equal(new Set(pings.map(({ id }) => id)).size, 2);
      assert.equal((await asked(nats, `$SRV.PING.${name}`, 2)).length, 2);
      assert.equal((await asked(nats, `$SRV.PING.${name}.${pings[0]?.id}`)).length, 1);
      assert.equal((await asked(nats, "$SRV.PING.other", 0)).length, 0);
      const [info] = await asked(nats, `$SRV.INFO.${name}`);
      assert.equal(info?.type, "io.nats.micro.v1.info_response");
      const endpoints = info?.endpoints as { name: string; subject: string; queue_group: string }[];
      assert.equal(endpoints.length, Object.keys(Echo.methods).length);
      assert.deepEqual(
        [endpoints[0]?.name, endpoints[0]?.subject, endpoints[0]?.queue_group],
        ["Echo", echoSubject, "q"],
      );
      const [stats] = await asked(nats, `$SRV.STATS.${name}`);
      assert.equal(stats?.type, "io.nats.micro.v1.stats_response");
      assert.match(String(stats?.started), /^\d{4}-\d\d-\d\dT/);
    } finally {
      await stopAll(one, two);
    }
    assert.equal((await asked(nats, "$SRV.PING", 0)).length, 0, "a listener that has closed is not seen any more");
  });

  it("is understood by the client of the service protocol that NATS has", async () => {
    const side = await begin(url);
    const { call, connection } = calling(side, side);
    await call("echo", emptyNote);
    await call("fail", { code: 5, message: "no such thing", reason: "", details: new Map(), bug: false }).catch(
      () => 0,
    );
    const micro = nats.services.client();
    const all = async <T>(found: Promise<AsyncIterable<T>>) => {
      const items: T[] = [];
      for await (const item of await found) items.push(item);
      return items;
    };
    assert.deepEqual(
      (await all(micro.ping(name))).map((one) => one.name),
      [name],
    );
    assert.equal((await all(micro.info(name)))[0]?.description, Echo.name);
    const [stats] = await all(micro.stats(name));
    const of = (method: string) => stats?.endpoints?.find((endpoint) => endpoint.name === method);
    assert.deepEqual([of("Echo")?.num_requests, of("Echo")?.num_errors], [1, 0]);
    assert.ok((of("Echo")?.average_processing_time ?? 0) > 0);
    assert.deepEqual([of("Fail")?.num_errors, of("Fail")?.last_error], [1, "NOT_FOUND: no such thing"]);
    await connection.close(0);
    await stopAll(side);
  });

  it("says nothing to the service protocol when told so", async () => {
    const side = await begin(url, { discovery: false });
    assert.deepEqual(await asked(nats, "$SRV.PING", 0), []);
    await stopAll(side);
  });

  it("lets one instance of a service answer each request of a queue group, in plain JSON", async () => {
    const sides = await Promise.all([begin(url), begin(url)]);
    const texts = Array.from({ length: 100 }, (_, i) => `call ${i}`);
    const answers = await Promise.all(
      texts.map((text) => nats.request(echoSubject, codec.encode({ text }), { timeout: 30_000 })),
    );
    assert.deepEqual(
      answers.map(({ data }) => codec.decode(data).text),
      texts,
    );
    const begun = sides.map(({ events }) => events.begun);
    assert.equal(
      begun.reduce((sum, one) => sum + one),
      100,
    );
    assert.ok(
      begun.every((one) => one > 0),
      `${begun}`,
    );
    await stopAll(...sides);
  });

  it("sends calls of its own to the instance that was picked, and to no other", async () => {
    const [one, two] = await Promise.all([begin(url), begin(url)]);
    const { call, connection } = calling(one, two);
    for (let i = 0; i < 20; i++) await call("echo", emptyNote);
    assert.deepEqual([one.events.begun, two.events.begun], [0, 20]);
    await connection.close(0);
    await stopAll(one, two);
  });

  it("tells errors as services of NATS do, and all about them as JSON", async () => {
    const side = await begin(url);
    const fail = async (method: string, body: object, name?: string) => {
      const given = headers();
      if (name) given.set("Mortise-Serializer", name);
      const subject = `mortise.rpc.mortise.testing.v1.Echo.${method}`;
      const { headers: told, data } = await nats.request(subject, codec.encode(body as never), {
        timeout: 30_000,
        headers: given,
      });
      assert.equal(told?.get("Nats-Service-Error"), codec.decode(data).message);
      return [told?.get("Nats-Service-Error-Code"), codec.decode(data).code, codec.decode(data).reason];
    };
    assert.deepEqual(await fail("Fail", { code: 5, message: "gone", reason: "WHY" }), ["5", "NOT_FOUND", "WHY"]);
    assert.deepEqual((await fail("Echo", { text: 5 })).slice(0, 2), ["3", "INVALID_ARGUMENT"]);
    assert.deepEqual((await fail("Missing", {})).slice(0, 2), ["12", "UNIMPLEMENTED"]);
    assert.deepEqual((await fail("Count", {})).slice(0, 2), ["12", "UNIMPLEMENTED"]);
    assert.deepEqual((await fail("Echo", {}, "klingon")).slice(0, 2), ["12", "UNIMPLEMENTED"]);
    assert.deepEqual((await fail("Bytes", { size: 2_000_000 })).slice(0, 2), ["8", "RESOURCE_EXHAUSTED"]);
    await stopAll(side);
  });

  it("lets anybody call an instance at its own address too, for as long as it takes", async () => {
    const side = await begin(url, { probeMs: 50 });
    const subject = `${side.listener.address}.call.mortise.testing.v1.Echo`;
    const slow = await nats.request(`${subject}.Sleep`, codec.encode({ ms: 400 }), {
      timeout: 30_000,
      noMux: true,
      reply: "answers.here",
    });
    assert.deepEqual(codec.decode(slow.data), {});
    const { headers: told } = await nats.request(`${subject}.Count`, codec.encode({ count: 1 }), { timeout: 30_000 });
    assert.equal(told?.get("Nats-Service-Error-Code"), "12");
    await stopAll(side);
  });

  it("is not disturbed by messages that make no sense", async () => {
    const side = await begin(url);
    const { call, stream, connection } = calling(side, side);
    const { address } = side.listener;
    const numbers = stream("count", { count: 50, failAfter: 0, padding: 0 });
    await numbers.next();
    for (const subject of [
      `${address}.on.x.y`,
      `${address}.on.x`,
      `${address}.call.x`,
      `${echoSubject}`,
      "$SRV.PING.a.b.c.d",
    ]) {
      for (const bytes of [
        new Uint8Array(),
        Uint8Array.of(0),
        Uint8Array.of(2, 0, 0, 0, 9, 1),
        new Uint8Array(5000).fill(255),
      ])
        nats.publish(subject, bytes, { reply: "nobody.listens.here" });
      nats.publish(subject, "no reply");
    }
    await nats.flush();
    assert.equal((await call("echo", { ...emptyNote, text: "still here" })).text, "still here");
    await eventually(async () => (await numbers.next()).done);
    await connection.close(0);
    await stopAll(side);
  });
});
