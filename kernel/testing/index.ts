// What plugin authors test with.
export { conformance } from "./conformance.ts";
export type { Deviation, Law, Made, Subject } from "./conformance.ts";
