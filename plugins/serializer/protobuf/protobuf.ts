import { definePlugin, type Serializer, serializer } from "@mortise/kernel";
import { codecOf } from "@mortise/kernel/contract";

/** The binary form of protobuf: small, fast, and what gRPC peers expect. */
export const protobufSerializer: Serializer = Object.freeze({
  contentType: "application/protobuf",
  subtype: "proto",
  codec: codecOf,
});

export const protobuf = definePlugin({
  spi: serializer,
  name: "protobuf",
  description: "Protobuf's binary form, by codecs generated from the contracts",
  setup: () => ({ api: protobufSerializer }),
});
