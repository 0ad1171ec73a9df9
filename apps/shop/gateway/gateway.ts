import { join } from "node:path";
import { backgroundOf, client, definePlugin, every, live, service, telemetry, tracer } from "@mortise/kernel";
import { Inventory } from "@mortise/proto/shop/inventory";
import { Marketing } from "@mortise/proto/shop/marketing";
import { Orders } from "@mortise/proto/shop/order";
import { Payments } from "@mortise/proto/shop/payment";
import { User } from "@mortise/proto/shop/user";
import { z } from "zod";
import { door } from "./app.ts";
import { serverSentEvents } from "./events.ts";
import { type Listening, listen } from "./listen.ts";
import type { TraceSource } from "./routes/traces.ts";
import { readFiles } from "./storefront.ts";

const options = z.strictObject({
  host: z.string().default("127.0.0.1"),
  /** 0 takes any port that is free. */
  port: z.number().int().min(0).max(65_535).default(8080),
  /** Send cookies over TLS only; set it where the shop is reached by https. */
  secureCookies: z.boolean().default(false),
  /** Time for one request, in milliseconds. */
  timeoutMs: z.number().int().positive().default(8_000),
  maxBodyBytes: z.number().int().positive().default(65_536),
  /** Longest time a stream of events stays open, in milliseconds; browsers then open another. */
  maxStreamMs: z.number().int().positive().default(300_000),
  /** Where Jaeger shows traces, for example `http://localhost:16686`; traces then link to it. */
  jaegerUrl: z.string().optional(),
  /** The built storefront. */
  webFolder: z.string().default(join(import.meta.dirname, "../web/dist")),
});

/** The only door for browsers: REST and JSON, sessions, events, and the storefront. */
export const gateway = definePlugin({
  spi: service,
  name: "gateway",
  description: "The shop's door for browsers: REST, sessions, events, storefront",
  options,
  exclusive: ({ port }) => port !== 0,
  needs: {
    user: client(User),
    inventory: client(Inventory),
    marketing: client(Marketing),
    payments: client(Payments),
    orders: client(Orders),
    tracer: live(tracer),
    telemetry: live(every(telemetry)),
  },
  setup: async ({ deps, options, ports, log }) => {
    const closing = new AbortController();
    const root = backgroundOf(ports);
    const files = await readFiles(options.webFolder);
    if (files.size === 0) log.warn("the storefront is not built; run: npm run build -w @mortise/shop");
    const traces: TraceSource = {
      find: async (traceId) => {
        await deps.tracer.current.flush();
        return [...deps.telemetry.current.values()].map((plugin) => plugin.trace?.(traceId)).find(Boolean);
      },
      elsewhere: (traceId) => options.jaegerUrl && `${options.jaegerUrl.replace(/\/$/, "")}/trace/${traceId}`,
    };
    const app = door({
      ...options,
      files,
      root,
      traces,
      backends: deps,
      tracer: { start: (span) => deps.tracer.current.start(span) },
      events: serverSentEvents(root, options.maxStreamMs, closing.signal),
      onBug: (error, request) => log.error(`${request} failed`, { error }),
    });
    let listening: Listening | undefined;
    const close = async () => {
      closing.abort();
      await listening?.close(2_000);
      listening = undefined;
    };

    return {
      api: {
        offers: [],
        listens: [],
        ready: async () => {
          listening = await listen(app, options.host, options.port, ports.timers);
          log.info(`the shop is open at ${listening.url}`);
        },
        closing: close, // while the services behind it still serve
      },
      stop: close,
    };
  },
});
