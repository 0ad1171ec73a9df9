import { testKills } from "./survival.ts";

await testKills(["tcc"]);
