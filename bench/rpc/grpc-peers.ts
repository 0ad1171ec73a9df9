import { Client, credentials, Server, ServerCredentials, type ServiceDefinition } from "@grpc/grpc-js";
import { createChannel, createClient, createServer, type ServiceDefinition as NiceDefinition } from "nice-grpc";
import { protoFiles } from "../../kernel/contract/proto/print.ts";
import { generateTsProto, protoWorkspace } from "../../kernel/contract/testing/ts-proto.ts";
import { type Order, Orders } from "../grpc/order.ts";
import type { Echo, System } from "./systems.ts";

interface Generated {
  encode(order: Order): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Order;
}

/** What ts-proto generates, as teams without Mortise have it. */
async function generated(): Promise<{ readonly definition: NiceDefinition; readonly order: Generated }> {
  await using workspace = await protoWorkspace(protoFiles([Orders]));
  const made: Readonly<Record<string, unknown>> = await (await generateTsProto(workspace))("bench/v1/bench.proto");
  return { definition: made.OrdersDefinition as NiceDefinition, order: made.Order as Generated };
}

/** nice-grpc as it is: no middleware, no deadline, no metadata. */
export const niceGrpc: System = {
  async serve() {
    const server = createServer();
    server.add((await generated()).definition, { echo: async (order: Order) => order } as never);
    return `127.0.0.1:${await server.listen("127.0.0.1:0")}`;
  },
  async connect(where) {
    const client = createClient((await generated()).definition, createChannel(where));
    return (client as unknown as { readonly echo: Echo }).echo;
  },
};

const path = "/bench.v1.Orders/Echo";

async function codec() {
  const { order } = await generated();
  return {
    write: (value: Order) => Buffer.from(order.encode(value).finish()),
    read: (bytes: Buffer) => order.decode(bytes),
  };
}

/** grpc-js alone, with the same codec as nice-grpc. */
export const grpcJs: System = {
  async serve() {
    const { write, read } = await codec();
    const definition: ServiceDefinition = {
      echo: {
        path,
        requestStream: false,
        responseStream: false,
        requestSerialize: write,
        requestDeserialize: read,
        responseSerialize: write,
        responseDeserialize: read,
      },
    };
    const server = new Server();
    server.addService(definition, {
      echo: (call: { readonly request: Order }, answer: (error: null, order: Order) => void) =>
        answer(null, call.request),
    });
    const port = await new Promise<number>((resolve, reject) => {
      const bound = (error: Error | null, number: number) => (error ? reject(error) : resolve(number));
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), bound);
    });
    return `127.0.0.1:${port}`;
  },
  async connect(where) {
    const { write, read } = await codec();
    const client = new Client(where, credentials.createInsecure());
    return (order) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, write, read, order, (error, answer) =>
          error || !answer ? reject(error ?? new Error("no answer")) : resolve(answer),
        );
      });
  },
};
