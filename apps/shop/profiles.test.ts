import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { loadApp } from "@mortise/kernel/config";

const file = join(import.meta.dirname, "shop.yaml");
const env = { POSTGRES_URL: "postgres://postgres@127.0.0.1:5432", NATS_URL: "nats://127.0.0.1:4222" };
const services = ["user", "inventory", "marketing", "payment", "order", "gateway"];

describe("the profiles of the shop", () => {
  it("can be started as they are", async () => {
    for (const profile of [undefined, "local", "compose"]) {
      const { problems, warnings } = await loadApp(file, { env, ...(profile !== undefined && { profile }) });
      assert.deepEqual(
        [...problems, ...warnings].map((problem) => problem.message),
        [],
        profile,
      );
    }
  });

  it("can be started one service at a time, whatever options the others have", async () => {
    for (const service of services) {
      const set = [
        `services=[${service}]`,
        "options.service/gateway.port=1",
        "options.service/order.remindAfterMs=9000",
      ];
      const { problems, warnings, plan } = await loadApp(file, { env, profile: "local", set });
      assert.deepEqual([...problems, ...warnings], [], service);
      assert.ok(plan);
    }
  });

  it("doubt a policy for what no service of the shop is called, also where others run it", async () => {
    for (const service of ["order", "gateway", "inventory"]) {
      const set = [`services=[${service}]`, 'policies={ "shop.ordr.v1.Orders": { timeoutMs: 1 } }'];
      const { warnings } = await loadApp(file, { env, profile: "local", set });
      assert.deepEqual(
        warnings.map(({ code, message }) => [code, message.replace(/^.*\. /, "")]),
        [["POLICY_UNUSED", "Did you mean shop.order.v1.Orders?"]],
        service,
      );
    }
  });

  it("are refused with the place and the fix when an option of a service is wrong", async () => {
    const set = ["options.service/order.remindAfterMs=soon", "options.service/gatway.port=1"];
    const { problems } = await loadApp(file, { env, set });
    const messages = problems.map((problem) => problem.message).join("\n");
    assert.match(messages, /remindAfterMs/);
    assert.match(messages, /gatway.*gateway/s);
  });
});
