import { testInjections } from "./injecting.ts";
import { preparedInjections } from "./injections-prepared.ts";
import { reservedInjections } from "./injections-reserved.ts";

await testInjections("in two phases", [...preparedInjections, ...reservedInjections]);
