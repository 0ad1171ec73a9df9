import { clientsConformance } from "@mortise/kernel/spi/clients.conformance";
import { clientsRuntime } from "./runtime.ts";

clientsConformance({ name: "runtime", make: () => ({ subject: clientsRuntime }) });
