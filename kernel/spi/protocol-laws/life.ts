import assert from "node:assert/strict";
import { StatusError } from "../../call/status.ts";
import { Echo } from "../../testing/echo-contract.ts";
import { eventually } from "../../testing/eventually.ts";
import type { Exposure } from "../protocol.ts";
import { emptyNote, fullNote, sameMessage } from "../serializer.conformance.ts";
import type { Serializer } from "../serializer.ts";
import {
  callers,
  codecOfBytes,
  connectTo,
  echoExposure,
  failure,
  inWorld,
  law,
  type ProtocolSubject,
} from "./world.ts";

/** Another serializer, to be told from the first one: the same bytes turned round. */
const reversed = (usual: Serializer): Serializer => ({
  contentType: "application/x-reversed",
  subtype: "reversed",
  codec: (type) => {
    const codec = usual.codec(type);
    return {
      ...codecOfBytes(codec, (value) => codec.encode(value).toReversed()),
      decode: (bytes, start = 0, end = bytes.length) => codec.decode(bytes.slice(start, end).reverse()),
    };
  },
});

async function neverSent(work: Promise<unknown>): Promise<void> {
  const error = await failure(work, "UNAVAILABLE");
  assert.equal(error.neverSent, true, `"${error.message}" does not say that the request never left`);
}

/** How listeners and connections come, change and go. */
export const lifeLaws = [
  law(
    "answers in the serializer of the request",
    async ({ invoke, serializer }) => {
      for (const one of [serializer, reversed(serializer)]) {
        const { response } = await invoke(Echo.methods.echo, fullNote, undefined, one);
        sameMessage(response, fullNote);
      }
    },
    { more: reversed },
  ),
  law(
    "answers UNIMPLEMENTED to a serializer it does not have, and names those it has",
    async ({ invoke, serializer }) => {
      const unheardOf: Serializer = { ...serializer, subtype: "unheard-of" };
      const error = await failure(invoke(Echo.methods.echo, emptyNote, undefined, unheardOf), "UNIMPLEMENTED");
      assert.match(error.message, new RegExp(`unheard-of.*${serializer.subtype}`));
    },
  ),
  law("says that a request never left where nobody listens", async ({ protocol, listener, serializer }) => {
    await listener.close(0);
    const connection = connectTo(protocol, listener.address);
    const { call } = callers(connection, serializer);
    await neverSent(call("echo", emptyNote));
    await neverSent(call("echo", emptyNote));
    await connection.close(0);
  }),
  law("lets calls in flight finish when the listener closes, and refuses new ones", async (world) => {
    const { call, listener, events } = world;
    await call("echo", emptyNote);
    const resting = call("sleep", { ms: 300 });
    await eventually(() => events.begun === 2);
    const closing = listener.close(10_000);
    await eventually(async () => {
      const code = await call("echo", emptyNote).then(
        () => "OK",
        (error) => error.code,
      );
      return code === "UNAVAILABLE";
    });
    await neverSent(call("echo", emptyNote));
    assert.deepEqual(await resting, {});
    await closing;
    await neverSent(call("echo", emptyNote));
  }),
  law("lets a stream in flight finish when the listener closes", async ({ stream, listener }) => {
    const numbers = stream("count", { count: 200, failAfter: 0, padding: 2000 });
    await numbers.next();
    const closing = listener.close(10_000);
    let seen = 1;
    for await (const _ of numbers) seen++;
    assert.equal(seen, 200);
    await closing;
  }),
  law("cuts calls that outlast the grace of a closing listener, with UNAVAILABLE", async (world) => {
    const { call, listener, events } = world;
    const resting = failure(call("sleep", { ms: 60_000 }), "UNAVAILABLE");
    await eventually(() => events.begun === 1);
    await listener.close(20);
    assert.equal((await resting).neverSent, false);
    await eventually(() => events.cancelled.length === 1);
  }),
  law("closes a listener twice as well as once", async ({ listener }) => {
    await Promise.all([listener.close(0), listener.close(0)]);
    await listener.close(1000);
  }),
  law("lets calls in flight finish when the connection closes, and refuses new ones", async (world) => {
    const { call, connection, events } = world;
    const resting = call("sleep", { ms: 200 });
    await eventually(() => events.begun === 1);
    const closing = connection.close(10_000);
    await neverSent(call("echo", emptyNote));
    assert.deepEqual(await resting, {});
    await closing;
    await neverSent(call("echo", emptyNote));
  }),
  law("cuts calls that outlast the grace of a closing connection", async ({ call, connection, events }) => {
    const resting = failure(call("sleep", { ms: 60_000 }), "UNAVAILABLE");
    await eventually(() => events.begun === 1);
    await connection.close(20);
    assert.equal((await resting).neverSent, false);
    await eventually(() => events.cancelled.length === 1);
  }),
  law("keeps the connections of two users of one address apart", async (world) => {
    const { protocol, listener, connection, call, serializer } = world;
    const second = connectTo(protocol, listener.address);
    const other = callers(second, serializer);
    await call("echo", emptyNote);
    await other.call("echo", emptyNote);
    await connection.close(0);
    await other.call("echo", emptyNote);
    await second.close(0);
  }),
  {
    law: "heals by itself when the peer comes back at the same address",
    check: (subject: ProtocolSubject) =>
      inWorld(subject, {}, async ({ call, listener, log, serializer }) => {
        await call("echo", emptyNote);
        await listener.close(0);
        await neverSent(call("echo", emptyNote));
        const exposure = echoExposure(log, { serializers: [serializer] });
        const again = await (await subject.start({ at: listener.address, log })).listen(exposure);
        assert.equal(again.address, listener.address);
        try {
          await eventually(() => call("echo", emptyNote));
        } finally {
          await again.close(0);
        }
      }),
  },
  law("offers other services from one moment to the next", async ({ call, listener, log, events, serializer }) => {
    await call("echo", emptyNote);
    const resting = call("sleep", { ms: 100 });
    await eventually(() => events.begun === 2);
    await listener.update({ services: [], serializers: new Map() });
    await failure(call("echo", emptyNote), "UNIMPLEMENTED");
    assert.deepEqual(await resting, {});
    await listener.update(echoExposure(log, { serializers: [serializer] }));
    await call("echo", emptyNote);
    assert.equal(events.begun, 2, "the new handlers have not taken over");
  }),
  law("answers for services that have left by their paths", async ({ call, listener, log, serializer }) => {
    const { services, serializers } = echoExposure(log, { serializers: [serializer] });
    await listener.update({ services: [], serializers, gone: leaving(services) });
    const error = await failure(call("echo", emptyNote), "UNAVAILABLE");
    assert.deepEqual([error.reason, error.message], ["SERVICE_GONE", "it has left"]);
    await listener.update({ services, serializers, gone: leaving(services) });
    await call("echo", emptyNote);
  }),
];

/** The same services as they answer when they have left. */
function leaving(services: Exposure["services"]): Exposure["services"] {
  const invoke = () => Promise.reject(new StatusError("UNAVAILABLE", "it has left", { reason: "SERVICE_GONE" }));
  return services.map(({ service, methods }) => ({
    service,
    methods: new Map(Array.from(methods, ([name, { method }]) => [name, { method, invoke }])),
  }));
}
