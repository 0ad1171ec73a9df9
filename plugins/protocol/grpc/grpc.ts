import type { ChannelInterface, ChannelOptions } from "@grpc/grpc-js";
import { definePlugin, type Protocol, type ProtocolFacts, protocol } from "@mortise/kernel";
import { guardDeno } from "@mortise/kernel/spi/deno-guard";
import { createChannel } from "nice-grpc";
import { channelPool } from "./channel-pool.ts";
import { channelSockets } from "./channel-sockets.ts";
import { grpcConnection } from "./connection.ts";
import { grpcListener, type Housing } from "./listener.ts";
import { type GrpcOptions, options } from "./options.ts";
import { credentials } from "./tls.ts";

const kinds = ["unary", "server-stream", "client-stream", "bidi-stream"] as const;

/** gRPC over HTTP/2 as any gRPC client and server speaks it. Throws an Error for certificates that cannot be used. */
export function grpcProtocol(housing: Omit<Housing, "credentials">): Protocol {
  guardDeno();
  const secured = credentials(housing.options);
  const lease = channelPool((address) => {
    const sockets = channelSockets(secured.client, housing.ports.timers);
    const all = { ...channelOptions(housing.options), ...secured.channelOptions };
    const channel: ChannelInterface = createChannel(address, sockets.credentials, all);
    const close = () => {
      channel.close();
      sockets.endSoon();
    };
    return { channel, close };
  });
  return {
    kinds,
    listen: (exposure) => grpcListener(exposure, { ...housing, credentials: secured }),
    connect: (instance) =>
      grpcConnection(instance, () => lease(instance.address), housing.options.maxMessageBytes, housing.ports),
  };
}

export const grpc = definePlugin({
  spi: protocol,
  name: "grpc",
  description: "gRPC over HTTP/2, for any gRPC client: TLS and mTLS, reflection, health",
  facts: { kinds } satisfies ProtocolFacts,
  options,
  exclusive: ({ port }) => port !== 0,
  setup: ({ options, ports, log }) => ({ api: grpcProtocol({ options, ports, log }) }),
});

function channelOptions(options: GrpcOptions): ChannelOptions {
  const { maxMessageBytes, keepaliveMs, keepaliveTimeoutMs, connectTimeoutMs, reconnectMinMs, reconnectMaxMs } =
    options;
  return {
    "grpc.enable_channelz": 0,
    "grpc.enable_http_proxy": 0,
    "grpc.per_rpc_retry_buffer_size": 0, // nothing is kept for such a try, and a stream waits for the network
    "grpc.enable_retries": 0, // trying again is decided by the cluster, which knows the method
    "grpc.service_config_disable_resolution": 1,
    "grpc.use_local_subchannel_pool": 1, // otherwise a closed channel's connection lives on in a pool of the process
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": -1,
    "grpc.min_reconnect_backoff_ms": connectTimeoutMs, // what nice-grpc reads it as
    "grpc.initial_reconnect_backoff_ms": reconnectMinMs,
    "grpc.max_reconnect_backoff_ms": reconnectMaxMs,
    ...(keepaliveMs > 0 && {
      "grpc.keepalive_time_ms": keepaliveMs,
      "grpc.keepalive_timeout_ms": keepaliveTimeoutMs,
    }),
  };
}
