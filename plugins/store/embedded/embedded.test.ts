import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { Store } from "@mortise/kernel";
import { storeConformance } from "@mortise/kernel/spi/store.conformance";
import { startPlugin } from "@mortise/kernel/testing";
import { embedded } from "./embedded.ts";

const dataDir = mkdtempSync(join(tmpdir(), "embedded-"));
chmodSync(dataDir, 0o755);
after(() => rmSync(dataDir, { recursive: true, force: true }));

storeConformance({
  name: "embedded",
  make: () => ({ subject: () => startPlugin<Store>(embedded, { options: { dataDir } }) }),
});
