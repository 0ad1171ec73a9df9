import { testKills } from "./survival.ts";

await testKills(["xa", "3pc"]);
