import { StatusError } from "../../call/status.ts";
import { emptyNote, fullNote } from "../../spi/serializer.conformance.ts";
import { Note } from "../../testing/echo-contract.ts";
import type { FuzzTarget } from "../../testing/fuzz.ts";
import { codecOf } from "./codec.ts";

const codec = codecOf(Note);

/** The generated decoder of a message with every kind of field, which must refuse with INVALID_ARGUMENT. */
export const target: FuzzTarget = {
  seeds: [emptyNote, { ...emptyNote, text: "only" }, fullNote, { ...fullNote, reply: fullNote }].map((note) =>
    codec.encode(note),
  ),
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
