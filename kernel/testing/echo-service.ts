import type { ErrorCode } from "../call/status.ts";
import { StatusError, statusName } from "../call/status.ts";
import type { Infer } from "../contract/index.ts";
import type { Handlers, ServerContext } from "../spi/service.ts";
import type { Counted, CountRequest, Echo, EchoNote, FailRequest } from "./echo-contract.ts";

/** What the handlers of {@link echoHandlers} have seen. */
export interface EchoEvents {
  /** Requests that reached a handler. */
  begun: number;
  /** Why calls were cancelled, as their handlers heard it. */
  readonly cancelled: StatusError[];
  /** Numbers that `count` has produced, and messages that `sum` and `chat` have read. */
  produced: number;
  read: number;
  /** Streams that have ended, in whatever way. */
  finished: number;
}

export function echoEvents(): EchoEvents {
  return { begun: 0, cancelled: [], produced: 0, read: 0, finished: 0 };
}

export interface EchoOptions {
  readonly events?: EchoEvents;
  /** Monotonic milliseconds of the clock that deadlines are told by. Default: the process's. */
  readonly now?: () => number;
  /** Where `sum` stops reading for good; 0: nowhere. */
  readonly stallAfter?: number;
}

/** The handlers of the test service, for the laws of protocols and for tests of whole apps. */
export function echoHandlers({
  events = echoEvents(),
  now = () => performance.now(),
  stallAfter = 0,
}: EchoOptions = {}): Handlers<typeof Echo> {
  return {
    echo: (note, call) => {
      begin(events, call);
      reflect(call);
      return note;
    },
    count: (request, call) => {
      begin(events, call);
      return count(request, events);
    },
    sum: async (numbers, call) => {
      begin(events, call);
      return { ...(await sum(numbers, events, stallAfter)) };
    },
    chat: (notes, call) => {
      begin(events, call);
      reflect(call);
      return chat(notes, events);
    },
    fail: async (request, call) => {
      begin(events, call);
      reflect(call);
      throw failure(request);
    },
    sleep: async ({ ms }, call) => {
      begin(events, call);
      await rest(ms, call);
      return {};
    },
    whoami: (_request, call) => {
      begin(events, call);
      return whoami(call, now());
    },
    bytes: ({ size }, call) => {
      begin(events, call);
      return { data: pattern(size) };
    },
    upload: ({ data }, call) => {
      begin(events, call);
      return { size: data.length };
    },
  };
}

function begin(events: EchoEvents, call: ServerContext): void {
  events.begun++;
  call.onCancel((reason) => events.cancelled.push(reason));
}

/** Sends headers that begin with `x-` back, and once more as trailers. */
function reflect(call: ServerContext): void {
  for (const name of call.incoming.names()) {
    if (!name.startsWith("x-")) continue;
    for (const value of call.incoming.getAll(name)) {
      call.setHeader(name, value);
      call.setTrailer(`trailing-${name}`, value);
    }
  }
}

async function* count({ count: last, failAfter, padding }: Infer<typeof CountRequest>, events: EchoEvents) {
  try {
    for (let number = 1; number <= last; number++) {
      events.produced++;
      yield { number, padding: new Uint8Array(padding) };
      if (number === failAfter) throw new StatusError("FAILED_PRECONDITION", `no more than ${number}`);
    }
  } finally {
    events.finished++;
  }
}

async function sum(numbers: AsyncIterable<Infer<typeof Counted>>, events: EchoEvents, stallAfter: number) {
  let total = 0n;
  let count = 0;
  try {
    for await (const { number } of numbers) {
      events.read++;
      total += BigInt(number);
      count++;
      if (count === stallAfter) await new Promise(() => undefined);
    }
    return { total, count };
  } finally {
    events.finished++;
  }
}

async function* chat(notes: AsyncIterable<EchoNote>, events: EchoEvents) {
  try {
    for await (const note of notes) {
      events.read++;
      yield note;
    }
  } finally {
    events.finished++;
  }
}

function failure({ code, message, reason, details, retryable, bug }: Infer<typeof FailRequest>): Error {
  if (bug) return new Error(message);
  return new StatusError(statusName(code) as ErrorCode, message, {
    ...(reason !== "" && { reason }),
    details: Object.fromEntries(details),
    ...(retryable !== undefined && { retryable }),
  });
}

/** Waits; below zero for ever and deaf to cancellation. */
function rest(ms: number, call: ServerContext): Promise<void> {
  return new Promise((resolve, reject) => {
    if (ms < 0) return;
    const timer = setTimeout(resolve, ms);
    call.onCancel((reason) => {
      clearTimeout(timer);
      reject(reason);
    });
  });
}

function whoami(call: ServerContext, now: number) {
  const { deadline, trace, baggage, tenant, idempotencyKey, incoming } = call;
  return {
    ...(deadline !== Number.POSITIVE_INFINITY && { remainingMs: deadline - now }),
    traceId: trace?.traceId ?? "",
    spanId: trace?.spanId ?? "",
    sampled: trace?.sampled ?? false,
    traceState: trace?.state ?? "",
    baggage: new Map(Object.entries(baggage)),
    tenant: tenant ?? "",
    idempotencyKey: idempotencyKey ?? "",
    metadata: incoming.names().flatMap((name) =>
      incoming.getAll(name).map((value) => ({
        name,
        text: typeof value === "string" ? value : "",
        data: typeof value === "string" ? new Uint8Array() : value,
      })),
    ),
  };
}

/** Bytes that show when some of them are missing or out of place. */
export function pattern(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8)) & 255);
}
