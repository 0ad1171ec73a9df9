import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Call,
  type Caller,
  callContext,
  type Identity,
  identity as identitySpi,
  noMetadata,
  type Place,
  type Reply,
  receivedContext,
  unauthenticated,
} from "@mortise/kernel";
import { filterConformance } from "@mortise/kernel/spi/filter.conformance";
import { Echo, echoService, given, SampleTopic, sampleCall, sampleSite, testApp } from "@mortise/kernel/testing";
import { auth } from "./auth.ts";
import { authFilter, nameIn } from "./auth-filter.ts";

const reply: Reply = { response: {}, headers: noMetadata, trailers: () => noMetadata };

/** Believes whoever says a name; fresh for every attempt. */
function sayingNames(own: string) {
  let attempts = 0;
  const identity: Identity = {
    attest: () => ({ "x-name": own, "x-attempt": `${++attempts}` }),
    verify({ context }) {
      const name = context.incoming.get("x-name");
      if (name === undefined) throw unauthenticated("NO_CREDENTIALS", "no name");
      return { name, claims: {} };
    },
  };
  return identity;
}

filterConformance({
  name: "auth",
  make: () => ({ subject: () => authFilter(() => new Map([["names", sayingNames("gateway")]])) }),
});

function wrapped(fields: Record<string, unknown>, place: Place, own = "gateway") {
  const filter = authFilter(() => new Map([["names", sayingNames(own)]]));
  return filter.wrap(sampleSite({ place, policy: { fields } }));
}

/** Sends a call through both sides; gives what the handler saw. */
async function travel(fields: Record<string, unknown>, own = "gateway", sign = true): Promise<Caller | undefined> {
  let seen: Caller | undefined;
  const atProvider = wrapped(
    fields,
    "provider",
  )?.(async ({ context }) => {
    seen = context.caller;
    return reply;
  });
  const arrive = async (call: Call) =>
    (atProvider as NonNullable<typeof atProvider>)({ ...call, context: receivedContext(call.context) });
  const invoke = (sign ? wrapped(fields, "attempt", own)?.(arrive) : undefined) ?? arrive;
  await invoke(sampleCall(callContext()));
  return seen;
}

describe("filter/auth", () => {
  it("tells the handler who calls", async () => {
    assert.deepEqual(await travel({ identity: "names" }), { name: "gateway", claims: {} });
  });

  it("refuses callers without credentials", async () => {
    await assert.rejects(travel({ identity: "names" }, "gateway", false), {
      code: "UNAUTHENTICATED",
      reason: "NO_CREDENTIALS",
    });
  });

  it("lets in whom the policy names, and says whom it does not", async () => {
    const fields = { identity: "names", allow: ["gateway", "shop.*"] };
    for (const name of ["gateway", "shop.order"]) assert.equal((await travel(fields, name))?.name, name);
    await assert.rejects(travel(fields, "ranking"), {
      code: "PERMISSION_DENIED",
      reason: "CALLER_NOT_ALLOWED",
      details: { caller: "ranking" },
    });
    await assert.rejects(travel({ identity: "names", allow: [] }), { code: "PERMISSION_DENIED" });
  });

  it("takes every character but * literally, and names as a whole", () => {
    assert.deepEqual(["a.b", "axb", "a.bc", "xa.b"].map(nameIn(["a.b"])), [true, false, false, false]);
    assert.deepEqual(["shop.", "shop.a", "ship.a", "shop.a\nb"].map(nameIn(["shop.*"])), [true, true, false, true]);
    assert.deepEqual(["(", "["].map(nameIn(["(", "[x]"])), [true, false]);
  });

  it("lets nobody pass where a rule cannot be kept", () => {
    assert.throws(() => wrapped({ allow: ["gateway"] }, "provider"), { reason: "ALLOW_WITHOUT_IDENTITY" });
    assert.throws(() => wrapped({ identity: "jwt" }, "provider"), /identity "jwt" is not loaded; there are: names/);
  });

  it("stands at attempts and at the provider only, and not in the way of events", () => {
    assert.equal(wrapped({ identity: "names" }, "call"), undefined);
    const filter = authFilter(() => new Map());
    const site = sampleSite({
      place: "provider",
      method: SampleTopic.method,
      policy: { fields: { identity: "names" } },
    });
    assert.equal(filter.wrap(site), undefined);
    assert.equal(wrapped({}, "provider"), undefined);
  });

  it("guards a service of a running app, and follows its configuration", async () => {
    const plugins = [auth, given(identitySpi, "names", sayingNames("gateway")), echoService()];
    const use = { filter: ["default"], identity: "names" };
    const policies = (allow: string[]) => ({ "*": { identity: "names", allow } });
    await using app = await testApp({ plugins, use, policies: policies(["gateway"]) });
    const call = () => app.clients.client(Echo).echo({ text: "hello" } as never);
    await call();
    await app.become({ plugins, use, policies: policies(["order"]) });
    await assert.rejects(call(), { code: "PERMISSION_DENIED", reason: "CALLER_NOT_ALLOWED" });
  });

  it("is the plugin filter/auth", () => assert.equal(auth.id, "filter/auth"));
});
