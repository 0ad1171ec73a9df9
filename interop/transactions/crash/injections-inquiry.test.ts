import { testInjections } from "./injecting.ts";
import { inquiryInjections } from "./injections-inquiry.ts";

await testInjections("when nobody coordinates", inquiryInjections);
