import { type CallContext, noMetadata, type Pipe, pipe, type ServedMethod, StatusError } from "@mortise/kernel";
import { enumeration, field, type Infer, message, rpc, service, stream, string } from "@mortise/kernel/contract";

/** grpc.health.v1 as the gRPC project defines it (grpc/health/v1/health.proto). */
export const ServingStatus = Object.freeze({
  ...enumeration("grpc.health.v1.HealthCheckResponse.ServingStatus", {
    UNKNOWN: 0,
    SERVING: 1,
    NOT_SERVING: 2,
    SERVICE_UNKNOWN: 3,
  }),
  unprefixed: true as const,
});
const CheckRequest = message("grpc.health.v1.HealthCheckRequest", { service: string(1) });
const CheckResponse = message("grpc.health.v1.HealthCheckResponse", { status: field(1, ServingStatus) });

export const Health = service("grpc.health.v1.Health", {
  check: rpc(CheckRequest, CheckResponse, { readOnly: true }),
  watch: rpc(CheckRequest, stream(CheckResponse), { readOnly: true }),
});

type Status = Infer<typeof CheckResponse>["status"];

interface Watcher {
  readonly service: string;
  readonly pipe: Pipe<Infer<typeof CheckResponse>>;
  last: Status;
}

/** Answers for the services that are offered now. */
export interface HealthBook {
  readonly methods: readonly ServedMethod[];
  /** These are offered from now on; who watches one of them, or one that is gone, is told. */
  offer(services: readonly string[]): void;
}

export function healthBook(): HealthBook {
  let offered: ReadonlySet<string> = new Set();
  const watchers = new Set<Watcher>();
  const serves = (name: string) => name === "" || offered.has(name);
  const statusOf = (name: string): Status => (serves(name) ? ServingStatus.SERVING : ServingStatus.SERVICE_UNKNOWN);

  function check(name: string): Infer<typeof CheckResponse> {
    if (!serves(name)) throw new StatusError("NOT_FOUND", `this server does not offer "${name}"`);
    return { status: ServingStatus.SERVING };
  }

  function watch(name: string, context: CallContext): AsyncIterable<unknown> {
    const leave = () => watchers.delete(watcher);
    const watcher: Watcher = { service: name, pipe: pipe({ onLeave: leave }), last: statusOf(name) };
    watcher.pipe.write({ status: watcher.last });
    watchers.add(watcher);
    context.onCancel(leave);
    return watcher.pipe.stream;
  }

  return {
    methods: [
      served(Health.methods.check, ({ service }) => check(service)),
      served(Health.methods.watch, ({ service }, context) => watch(service, context)),
    ],
    offer: (services) => {
      offered = new Set(services);
      for (const watcher of watchers) {
        const status = statusOf(watcher.service);
        if (status !== watcher.last) watcher.pipe.write({ status });
        watcher.last = status;
      }
    },
  };
}

type CheckMethod = (typeof Health.methods)[keyof typeof Health.methods];

function served(
  method: CheckMethod,
  handle: (request: Infer<typeof CheckRequest>, context: CallContext) => unknown,
): ServedMethod {
  return {
    method,
    invoke: async ({ request, context }) => ({
      response: handle(request as Infer<typeof CheckRequest>, context),
      headers: noMetadata,
      trailers: () => noMetadata,
    }),
  };
}
