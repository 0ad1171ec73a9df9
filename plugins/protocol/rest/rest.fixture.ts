import type { Serializer } from "@mortise/kernel";
import { StatusError } from "@mortise/kernel";
import { codecOf, jsonOf, type MessageType } from "@mortise/kernel/contract";

/** JSON as its plugin writes it, which tests of this folder cannot import. */
export const json: Serializer = {
  contentType: "application/json",
  subtype: "json",
  codec: <T>(type: MessageType<T>) => ({
    ...codecOf(type),
    encode: (value: T) => Buffer.from(JSON.stringify(jsonOf(type).toJson(value))),
    decode: (bytes: Uint8Array) => jsonOf(type).fromJson(parse(bytes)),
  }),
};

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (error) {
    throw new StatusError("INVALID_ARGUMENT", `not JSON: ${(error as Error).message}`);
  }
}
