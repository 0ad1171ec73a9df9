// A process of its own that registers an instance, for the test to kill: node owner.fixture.ts <dir> <id>
import { systemPorts } from "@mortise/kernel";
import { sampleInstance, silentLog } from "@mortise/kernel/testing";
import { fileRegistry } from "./file-registry.ts";

const [dir = "", id = ""] = process.argv.slice(2);
const { api } = fileRegistry({ dir, pollMs: 50, leaseMs: 10_000 }, systemPorts, silentLog);
await api.register(sampleInstance(id));
console.log("registered");
setInterval(() => undefined, 1000);
