import { testKills } from "./survival.ts";

await testKills(["saga"]);
