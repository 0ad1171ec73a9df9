import {
  type Call,
  type CallSite,
  codeOf,
  type Filter,
  goingUntilOver,
  type Log,
  type LogFields,
  type Method,
  type Ports,
  policyFields,
  type Reply,
  StatusError,
} from "@mortise/kernel";
import { redact } from "@mortise/kernel/contract";
import { z } from "zod";

export const accessLogPolicy = policyFields({
  accessLog: z
    .strictObject({
      sample: z
        .number()
        .min(0)
        .max(1)
        .default(1)
        .describe("The share of calls that is written; failures and slow calls always are"),
      slowMs: z.number().min(0).optional().describe("Calls that take so long are written as warnings, in milliseconds"),
    })
    .or(z.literal(false))
    .default({ sample: 1 })
    .describe("Which calls are written; false: none"),
});

/** What a line can say. */
export const fieldNames = [
  "method",
  "place",
  "code",
  "reason",
  "tookMs",
  "caller",
  "tenant",
  "trace",
  "request",
  "response",
] as const;

export type FieldName = (typeof fieldNames)[number];

export interface AccessLogOptions {
  readonly at: "provider" | "call" | "both";
  readonly fields: readonly FieldName[];
}

interface Ended {
  readonly site: CallSite;
  readonly call: Call;
  readonly reply: Reply | undefined;
  readonly error: unknown;
  readonly tookMs: number;
}

/** Writes a line per call when it is over: a warning for failures that are the server's and for slow calls. */
export function accessLogFilter({ at, fields }: AccessLogOptions, log: Log, { clock, random }: Ports): Filter {
  function write(ended: Ended, slow: boolean): void {
    const { method } = ended.call;
    const facts = Object.fromEntries(fields.flatMap((name) => told(name, ended)));
    const code = codeOf(ended.error);
    log[slow || serversFault.has(code) ? "warn" : "info"](`${method.path} ${code}`, facts);
  }
  return {
    wrap(site) {
      const { accessLog } = accessLogPolicy.of(site);
      if (accessLog === false || site.place === "attempt" || (at !== "both" && at !== site.place)) return undefined;
      const { sample, slowMs = Number.POSITIVE_INFINITY } = accessLog;
      return (next) => (call) => {
        const began = clock.now();
        let reply: Reply | undefined;
        const noting = (one: Call) => next(one).then((answer) => (reply = answer));
        return goingUntilOver(noting, call, (error) => {
          const tookMs = clock.now() - began;
          const slow = tookMs >= slowMs;
          if (error === undefined && !slow && random() >= sample) return;
          write({ site, call, reply, error, tookMs }, slow);
        });
      };
    },
  };
}

const serversFault: ReadonlySet<string> = new Set(["UNKNOWN", "INTERNAL", "DATA_LOSS", "UNAVAILABLE", "UNIMPLEMENTED"]);

/** One field of a line; nothing where a call has none of it. */
function told(name: FieldName, ended: Ended): [string, LogFields[string]][] {
  const value = factOf(name, ended);
  return value === undefined ? [] : [[name, value]];
}

function factOf(name: FieldName, { site, call, reply, error, tookMs }: Ended): unknown {
  const { method, context } = call;
  switch (name) {
    case "method":
      return method.path;
    case "place":
      return site.place;
    case "code":
      return codeOf(error);
    case "reason":
      return error instanceof StatusError ? error.reason : undefined;
    case "tookMs":
      return Math.round(tookMs * 1000) / 1000;
    case "caller":
      return context.caller?.name;
    case "tenant":
      return context.tenant;
    case "trace":
      return context.trace?.traceId;
    case "request":
      return clientStreams(method) ? "[stream]" : redact(method.input, call.request);
    case "response":
      if (reply === undefined || method.kind === "event") return undefined;
      return serverStreams(method) ? "[stream]" : redact(method.output, reply.response);
  }
}

const clientStreams = ({ kind }: Method) => kind === "client-stream" || kind === "bidi-stream";
const serverStreams = ({ kind }: Method) => kind === "server-stream" || kind === "bidi-stream";
