import assert from "node:assert/strict";
import { it } from "node:test";
import type { Policies } from "@mortise/kernel";
import { policiesConformance } from "@mortise/kernel/spi/policies.conformance";
import { startPlugin } from "@mortise/kernel/testing";
import { policiesConfig } from "./config.ts";

policiesConformance({
  name: "config",
  make: () => ({
    subject: async (app, table) => (await startPlugin<Policies>(policiesConfig, { options: { app, table } })).api,
  }),
});

it("refuses a target that is none, and an option it does not know", async () => {
  await assert.rejects(
    startPlugin(policiesConfig, { options: { table: { "a b": {} } } }),
    /a target is "\*", a service/,
  );
  await assert.rejects(startPlugin(policiesConfig, { options: { tabel: {} } }), /tabel/);
});
