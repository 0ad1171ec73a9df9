// Who may call what, proved by the certificates of gRPC connections between running apps.
import assert from "node:assert/strict";
import { it } from "node:test";
import { Echo, echoService, surroundings, testApp, testAuthority } from "@mortise/kernel/testing";
import { auth } from "@mortise/plugins/filter/auth/auth";
import { mtls } from "@mortise/plugins/identity/mtls/mtls";
import { grpc } from "@mortise/plugins/protocol/grpc/grpc";

const authority = testAuthority();
const around = surroundings();

/** An app whose connections show a certificate with this SPIFFE id. */
function app(id: string, allow: readonly string[] = []) {
  const { cert, key } = authority.issue("app", ["localhost", id]);
  return testApp({
    around,
    plugins: [grpc, mtls, auth, ...(allow.length > 0 ? [echoService()] : [])],
    use: {
      protocol: "grpc",
      identity: "mtls",
      filter: ["default"],
      ...(allow.length === 0 && { server: [] }),
    },
    options: {
      "protocol/grpc": { port: 0, advertise: "localhost", tls: { cert, key, ca: authority.ca, mutual: true } },
      "identity/mtls": { trustDomain: "shop.test" },
    },
    policies: { "*": { identity: "mtls", timeoutMs: 5000, ...(allow.length > 0 && { allow }) } },
  });
}

it("lets in whom the policy names, by the certificates of connections, and tells the handler who it is", async () => {
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
