import { testKills } from "./survival.ts";

await testKills(["outbox", "message", "best-effort"]);
