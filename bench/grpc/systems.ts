import { type Client, clients, defineService, type Plugin } from "@mortise/kernel";
import { createChannel, createClient, createServer, type ServiceDefinition } from "nice-grpc";
import { protoFiles } from "../../kernel/contract/proto/print.ts";
import { generateTsProto, protoWorkspace } from "../../kernel/contract/testing/ts-proto.ts";
import { createKernel, type Kernel } from "../../kernel/core/kernel.ts";
import { packagePlugins } from "../../kernel/core/package-plugins.ts";
import { type Order, Orders } from "./order.ts";

export type SystemName = "mortise" | "bare";

/** Calls the echo service of the process that {@link serve} has started. */
export type Echo = (order: Order) => Promise<Order>;

const served: Plugin = defineService(Orders, {
  name: "orders",
  description: "Sends orders back",
  setup: () => ({ handlers: { echo: async (order) => order } }),
});

/** An app as users run it, with all the default filters, found through a registry of files in `dir`. */
async function app(dir: string, services: readonly Plugin[]): Promise<Kernel> {
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
  const kernel = createKernel({ catalogue: [...catalogue, ...own] });
  const use = { protocol: "grpc", serializer: "protobuf", registry: "file", filter: ["default"], clients: "runtime" };
  const serving = services.length > 0 ? { service: services.map(({ name }) => name), server: "runtime" } : {};
  const result = await kernel.apply({ use: { ...use, ...serving }, options: { "registry/file": { dir } } });
  if (!result.ok) throw result.error;
  return kernel;
}

/** The definition that ts-proto generates, as teams without Mortise have it. */
async function tsProtoDefinition(): Promise<ServiceDefinition> {
  await using workspace = await protoWorkspace(protoFiles([Orders]));
  const generated: Readonly<Record<string, unknown>> = await (await generateTsProto(workspace))("bench/v1/bench.proto");
  return generated.OrdersDefinition as ServiceDefinition;
}

/** Serves in this process until it is killed. Gives what a client needs to find it. */
export async function serve(name: SystemName, dir: string): Promise<string> {
  if (name === "mortise") {
    await app(dir, [served]);
    return dir;
  }
  const server = createServer();
  server.add(await tsProtoDefinition(), { echo: async (order: Order) => order } as never);
  return `127.0.0.1:${await server.listen("127.0.0.1:0")}`;
}

/** A client of a server that said `where`. */
export async function connect(name: SystemName, where: string): Promise<Echo> {
  if (name === "mortise") {
    const client: Client<typeof Orders> = (await app(where, [])).get(clients).client(Orders);
    return (order) => client.echo(order);
  }
  const client = createClient(await tsProtoDefinition(), createChannel(where));
  return (client as unknown as { readonly echo: Echo }).echo;
}
