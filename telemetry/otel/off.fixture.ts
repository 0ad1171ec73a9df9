// Starts the plugin without an endpoint and prints what was loaded of OpenTelemetry: node off.fixture.ts [endpoint]
import { registerHooks } from "node:module";

const loaded: string[] = [];
registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith("@opentelemetry/")) loaded.push(specifier);
    return next(specifier, context);
  },
});

const { systemPorts } = await import("@mortise/kernel");
const { silentLog } = await import("@mortise/kernel/testing");
const { otel } = await import("./otel.ts");

const endpoint = process.argv[2] ?? "";
const parsed = await otel.options?.["~standard"].validate({ endpoint });
const options = parsed && !parsed.issues ? parsed.value : undefined;
const { api, stop } = await otel.setup({ options, ports: systemPorts, log: silentLog } as never);
console.log(JSON.stringify({ loaded: loaded.length, api: Object.keys(api as object) }));
await stop?.();
