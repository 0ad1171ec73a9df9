// Who may call what, proved by the certificates of connections between running apps, over every protocol that has its own.
import assert from "node:assert/strict";
import { it } from "node:test";
import type { Plugin } from "@mortise/kernel";
import { echoEvents, surroundings, testApp, testAuthority } from "@mortise/kernel/testing";
import { auth } from "@mortise/plugins/filter/auth/auth";
import { mtls } from "@mortise/plugins/identity/mtls/mtls";
import { dubbo } from "@mortise/plugins/protocol/dubbo/dubbo";
import { grpc } from "@mortise/plugins/protocol/grpc/grpc";
import { hessian } from "@mortise/plugins/protocol/hessian/hessian";
import { rest } from "@mortise/plugins/protocol/rest/rest";
import { hessian2 } from "@mortise/plugins/serializer/hessian2/hessian2";
import { json } from "@mortise/plugins/serializer/json/json";
import { protobuf } from "@mortise/plugins/serializer/protobuf/protobuf";
import { echoOf, echoPlugin } from "./carried.fixture.ts";

const authority = testAuthority();
const Echo = echoOf(["unary"]);

/** A protocol, and a serializer it carries. */
const ways: readonly (readonly [Plugin, Plugin])[] = [
  [grpc, protobuf],
  [dubbo, protobuf],
  [dubbo, hessian2],
  [hessian, hessian2],
  [rest, json],
];

/** Apps whose connections show certificates with SPIFFE ids. */
function appsOver(protocol: Plugin, serializer: Plugin) {
  const around = surroundings();
  return (id: string, allow: readonly string[] = []) => {
    const { cert, key } = authority.issue("app", ["localhost", id]);
    return testApp({
      around,
      plugins: [protocol, serializer, mtls, auth, ...(allow.length > 0 ? [echoPlugin(Echo, echoEvents())] : [])],
      use: {
        protocol: protocol.name,
        serializer: serializer.name,
        identity: "mtls",
        filter: ["default"],
        ...(allow.length === 0 && { server: [] }),
      },
      options: {
        [protocol.id]: { port: 0, advertise: "localhost", tls: { cert, key, ca: authority.ca, mutual: true } },
        "identity/mtls": { trustDomain: "shop.test" },
      },
      policies: { "*": { identity: "mtls", timeoutMs: 60_000, ...(allow.length > 0 && { allow }) } },
    });
  };
}

for (const [protocol, serializer] of ways) {
  it(`lets in whom the policy names over ${protocol.name} with ${serializer.name}, by the certificates of connections`, async () => {
    const app = appsOver(protocol, serializer);
    await using _provider = await app("spiffe://shop.test/inventory", ["order", "admin/*"]);
    await using order = await app("spiffe://shop.test/order");
    await using admin = await app("spiffe://shop.test/admin/eve");
    await using ranking = await app("spiffe://shop.test/ranking");
    await using stranger = await app("spiffe://other.test/order");
    const call = ({ clients }: typeof order) => clients.client(Echo).whoami({});
    await Promise.all([call(order), call(admin), call(order)]);
    await assert.rejects(call(ranking), {
      code: "PERMISSION_DENIED",
      reason: "CALLER_NOT_ALLOWED",
      details: { caller: "ranking" },
    });
    await assert.rejects(call(stranger), { code: "UNAUTHENTICATED", reason: "BAD_CREDENTIALS" });
  });
}
