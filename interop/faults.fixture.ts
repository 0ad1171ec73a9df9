// A process that works for a while per call: node faults.fixture.ts '<Provider as JSON>'. It writes its address when it can be called.
import { defineService, type Plugin, server } from "@mortise/kernel";
import { message, rpc, service, string } from "@mortise/kernel/contract";
import { type AppOptions, testApp } from "@mortise/kernel/testing";
import { bulkhead } from "@mortise/plugins/filter/bulkhead/bulkhead";
import { deadline } from "@mortise/plugins/filter/deadline/deadline";
import { ratelimit } from "@mortise/plugins/filter/ratelimit/ratelimit";
import { bbr } from "@mortise/plugins/limiter/bbr/bbr";
import { tokenBucket } from "@mortise/plugins/limiter/token-bucket/token-bucket";
import { grpc } from "@mortise/plugins/protocol/grpc/grpc";
import { file } from "@mortise/plugins/registry/file/file";
import { redis } from "@mortise/plugins/registry/redis/redis";

const Nothing = message("test.faults.v1.Nothing", {});
const Done = message("test.faults.v1.Done", { by: string(1) });
/** What the process serves. */
export const Work = service("test.faults.v1.Work", { do: rpc(Nothing, Done, { readOnly: true }) });

/** What the process is like. */
export interface Provider {
  readonly name: string;
  /** How long a call waits for something else, and then computes, in milliseconds (of the processor). */
  readonly waitMs?: number;
  readonly burnMs?: number;
  readonly registry: "file" | "redis" | "memory";
  readonly options?: AppOptions["options"];
  readonly policies?: AppOptions["policies"];
  readonly limiter?: "bbr" | "token-bucket";
}

/** The plugins both sides of these tests have. */
export const faultPlugins: readonly Plugin[] = [grpc, file, redis, deadline, bulkhead, ratelimit, bbr, tokenBucket];

const worker = ({ name, waitMs = 0, burnMs = 0 }: Provider) =>
  defineService(Work, {
    name: "work",
    description: "Works for a while",
    setup: ({ ports: { timers } }) => ({
      handlers: {
        async do() {
          if (waitMs > 0) await timers.sleep(waitMs);
          if (burnMs > 0) burn(burnMs);
          return { by: name };
        },
      },
    }),
  });

/** Processor time of this process, in milliseconds. */
function busyMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Computes for so long by the processor's time: other work on the machine makes it slower, as it does all the rest. */
function burn(ms: number): void {
  for (const end = busyMs() + ms; busyMs() < end; );
}

if (import.meta.main) {
  const provider = JSON.parse(process.argv[2] ?? "") as Provider;
  const { registry, options = {}, policies = {}, limiter } = provider;
  const { kernel } = await testApp({
    plugins: [...faultPlugins, worker(provider)],
    use: { protocol: "grpc", registry, filter: ["default"], ...(limiter && { limiter }) },
    options,
    policies,
  });
  console.log(kernel.get(server).endpoints[0]?.address);
  process.on("message", () => process.send?.(busyMs())); // whoever started it may ask how much it has computed
  process.on("disconnect", () => process.exit());
}
