import { type Ports, type Serializer, systemPorts } from "@mortise/kernel";
import { byteSink, codecOf, type MessageType } from "@mortise/kernel/contract";
import { HessianReader, HessianWriter } from "@mortise/kernel/hessian";
import { silentLog } from "@mortise/kernel/testing";
import { hessianProtocol } from "./hessian.ts";
import { hessianOptions } from "./options.ts";

/** Values of Hessian as simple as can be, binary ones: the plugin that makes better ones cannot be imported by tests of this folder. */
export const binaries: Serializer = {
  contentType: "application/x-hessian",
  subtype: "hessian2",
  codec: <T>(type: MessageType<T>) => {
    const codec = codecOf(type);
    return {
      ...codec,
      encode: (value: T) => {
        const sink = byteSink();
        new HessianWriter(sink).binary(codec.encode(value));
        return sink.buffer.slice(0, sink.position);
      },
      decode: (bytes: Uint8Array, start = 0) => {
        const value = new HessianReader(bytes, start).value();
        return codec.decode(value instanceof Uint8Array ? value : value instanceof Map ? new Uint8Array() : bytes);
      },
    };
  },
};

/** The protocol with these options; all others have their defaults. */
export function start(given: object = {}, ports: Ports = systemPorts) {
  return hessianProtocol({ options: hessianOptions.parse(given), ports, log: silentLog });
}
