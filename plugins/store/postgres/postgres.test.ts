import type { Store } from "@mortise/kernel";
import { storeConformance } from "@mortise/kernel/spi/store.conformance";
import { onServer, postgresServer, startPlugin } from "@mortise/kernel/testing";
import { postgres } from "./postgres.ts";

await onServer("store/postgres", postgresServer, ({ url }) => {
  storeConformance({
    name: "postgres",
    make: () => ({ subject: () => startPlugin<Store>(postgres, { options: { url } }) }),
  });
});
