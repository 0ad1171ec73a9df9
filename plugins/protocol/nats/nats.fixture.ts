import assert from "node:assert/strict";
import { type Listener, type Log, type Protocol, type Serializer, systemPorts } from "@mortise/kernel";
import { codecOf, jsonOf, type MessageType } from "@mortise/kernel/contract";
import { callers, connectTo } from "@mortise/kernel/spi/protocol-laws/world";
import { Echo, type EchoEvents, echoEvents, echoHandlers, servedService, silentLog } from "@mortise/kernel/testing";
import { natsProtocol } from "./nats.ts";
import { natsOptions } from "./options.ts";

/** JSON as its plugin writes it, which tests of this folder cannot import. */
export const json: Serializer = {
  contentType: "application/json",
  subtype: "json",
  codec: <T>(type: MessageType<T>) => ({
    ...codecOf(type),
    encode: (value: T) => Buffer.from(JSON.stringify(jsonOf(type).toJson(value))),
    decode: (bytes: Uint8Array) => jsonOf(type).fromJson(JSON.parse(Buffer.from(bytes).toString())),
  }),
};

const proto: Serializer = { contentType: "application/protobuf", subtype: "proto", codec: codecOf };

/** One process: its protocol, and the test service listening. */
export interface Side {
  readonly protocol: Protocol;
  readonly listener: Listener;
  readonly events: EchoEvents;
  /** Ends it as a crash would. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

export async function begin(servers: string, given: object = {}, log: Log = silentLog): Promise<Side> {
  const options = natsOptions.parse({ servers, ...given });
  const { api, stop } = await natsProtocol({ options, ports: systemPorts, log });
  const events = echoEvents();
  const listener = await api.listen({
    services: [servedService(Echo, echoHandlers({ events }), log)],
    serializers: new Map([proto, json].map((one) => [one.subtype, one])),
  });
  return {
    protocol: api,
    listener,
    events,
    crash: stop,
    stop: async () => {
      await listener.close(1000);
      await stop();
    },
  };
}

/** Ways to call the listener of one side from another. */
export function calling(from: Side, to: Side) {
  const connection = connectTo(from.protocol, to.listener.address);
  return { connection, ...callers(connection, proto) };
}

export async function stopAll(...sides: readonly Side[]): Promise<void> {
  await Promise.all(sides.map((side) => side.stop().catch((error: unknown) => assert.ok(error))));
}
