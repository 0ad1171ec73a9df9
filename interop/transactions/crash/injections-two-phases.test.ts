import { testInjections } from "./injecting.ts";
import { preparedInjections, reservedInjections } from "./injections-two-phases.ts";

await testInjections("in two phases", [...preparedInjections, ...reservedInjections]);
