// A process that serves the test service over gRPC and registers in files: node provider.fixture.ts <dir>
import { echoService, testApp } from "@mortise/kernel/testing";
import { grpc } from "@mortise/plugins/protocol/grpc/grpc";
import { file } from "@mortise/plugins/registry/file/file";

const [dir = ""] = process.argv.slice(2);
const plugins = [grpc, file, echoService()];
const options = { "registry/file": { dir, pollMs: 50, leaseMs: 2000 } };
await testApp({ plugins, options, use: { protocol: "grpc", registry: "file", server: "runtime" } });
console.log("serving");
setInterval(() => undefined, 1000);
