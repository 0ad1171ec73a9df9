import { StatusError } from "@mortise/kernel";
import { emptyNote, fullNote } from "@mortise/kernel/spi/serializer.conformance";
import { type FuzzTarget, Note } from "@mortise/kernel/testing";
import { msgpackSerializer } from "./msgpack.ts";

const codec = msgpackSerializer.codec(Note);

/** Reader and mapping together, which must refuse with INVALID_ARGUMENT. */
export const target: FuzzTarget = {
  seeds: [emptyNote, fullNote, { ...fullNote, reply: fullNote }].map((note) => codec.encode(note)),
  feed(bytes) {
    try {
      codec.decode(bytes);
      return true;
    } catch (error) {
      if (error instanceof StatusError && error.code === "INVALID_ARGUMENT") return false;
      throw error;
    }
  },
};
