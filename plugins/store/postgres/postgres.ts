import { definePlugin, store } from "@mortise/kernel";
import { serverOptions, storeOn } from "@mortise/kernel/postgres/server-options";

/** A PostgreSQL server that runs already. */
export const postgres = definePlugin({
  spi: store,
  name: "postgres",
  description: "A PostgreSQL server that runs already: one database per service",
  options: serverOptions,
  setup: ({ options, ports }) => storeOn(options, ports),
});
