// What plugin authors test with.

export type { Deviation, Law, Made, Subject } from "./conformance.ts";
export { conformance } from "./conformance.ts";
