// What plugin authors test with.

export type { Deviation, Law, Made, Subject } from "./conformance.ts";
export { conformance } from "./conformance.ts";
export * from "./samples.ts";
export type { VirtualPorts, VirtualPortsOptions } from "./virtual-ports.ts";
export { virtualPorts } from "./virtual-ports.ts";
