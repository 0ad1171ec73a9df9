import { serverConformance } from "@mortise/kernel/spi/server.conformance";
import { serverRuntime } from "./runtime.ts";

serverConformance({ name: "runtime", make: () => ({ subject: serverRuntime }) });
