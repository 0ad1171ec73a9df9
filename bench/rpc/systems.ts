import { clients, defineService, type Plugin } from "@mortise/kernel";
import { natsServer } from "@mortise/kernel/testing";
import { createKernel, type Kernel } from "../../kernel/core/kernel.ts";
import { packagePlugins } from "../../kernel/core/package-plugins.ts";
import { type Order, Orders } from "../grpc/order.ts";
import { grpcJs, niceGrpc } from "./grpc-peers.ts";
import { tcp } from "./tcp.ts";

/** Sends an order and gives what came back. */
export type Echo = (order: Order) => Promise<Order>;

/** Something that carries calls, in two processes. */
export interface System {
  /** Serves until the process is killed, and gives what a client needs to find it. `dir` is shared by all processes of the system. */
  serve(dir: string): Promise<string>;
  connect(where: string): Promise<Echo>;
}

/** The rows of the measurement. */
export const systems: Readonly<Record<string, System>> = {
  "dubbo/protobuf full": app({ protocol: "dubbo" }, ["default"]),
  "dubbo/protobuf bare": app({ protocol: "dubbo" }, ["-default"]),
  "dubbo/hessian2 full": app({ protocol: "dubbo", serializer: "hessian2" }, ["default"]),
  "grpc full": app({ protocol: "grpc" }, ["default"]),
  "grpc bare": app({ protocol: "grpc" }, ["-default"]),
  "rest full": app({ protocol: "rest", serializer: "json" }, ["default"]),
  "nats full": overNats(["default"]),
  "inproc full": alone(["default"]),
  "nice-grpc": niceGrpc,
  "grpc-js": grpcJs,
  tcp,
};

const served: Plugin = defineService(Orders, {
  name: "orders",
  description: "Sends orders back",
  setup: () => ({ handlers: { echo: async (order) => order } }),
});

type Use = Readonly<Record<string, unknown>>;

/** Deadlines are kept, but far enough away for a machine that does other work too. */
const policies = { app: "bench", table: { "*": { timeoutMs: 60_000 } } };

/** A process as users run it: everything but what is named is as it is without configuration. */
async function start(use: Use, services: readonly Plugin[], options: Use = {}): Promise<Kernel> {
  const { catalogue } = await packagePlugins(import.meta.dirname, {
    names: ["@mortise/plugins", "@mortise/telemetry"],
    dir: import.meta.dirname,
  });
  const own = services.map((plugin) => ({
    id: plugin.id,
    source: "app" as const,
    from: "bench",
    load: async () => plugin,
  }));
  const serving = services.length > 0 ? { service: services.map(({ name }) => name), server: "runtime" } : {};
  const kernel = createKernel({ catalogue: [...catalogue, ...own] });
  const all = { "policies/config": policies, ...options };
  const result = await kernel.apply({ use: { clients: "runtime", ...use, ...serving }, options: all });
  if (!result.ok) throw result.error;
  return kernel;
}

/** Two apps that find each other through a directory of files. */
function app(use: Use, filter: readonly string[]): System {
  const started = (dir: string, services: readonly Plugin[]) =>
    start({ serializer: "protobuf", registry: "file", ...use, filter }, services, { "registry/file": { dir } });
  return {
    async serve(dir) {
      await started(dir, [served]);
      return dir;
    },
    connect: async (dir) => echoOf(await started(dir, [])),
  };
}

/** Two apps and the server between them, which is a process of its own. */
function overNats(filter: readonly string[]): System {
  const use = { protocol: "nats", serializer: "protobuf", registry: "file", filter };
  const started = (dir: string, servers: string, services: readonly Plugin[]) =>
    start(use, services, { "registry/file": { dir }, "protocol/nats": { servers } });
  return {
    async serve(dir) {
      const { url } = await natsServer();
      await started(dir, url, [served]);
      return `${dir} ${url}`;
    },
    async connect(where) {
      const [dir = "", url = ""] = where.split(" ");
      return echoOf(await started(dir, url, []));
    },
  };
}

/** One app that calls itself. */
function alone(filter: readonly string[]): System {
  return {
    serve: async () => "",
    connect: async () => echoOf(await start({ protocol: "inproc", filter }, [served])),
  };
}

function echoOf(kernel: Kernel): Echo {
  const { echo } = kernel.get(clients).client(Orders);
  return (order) => echo(order);
}
