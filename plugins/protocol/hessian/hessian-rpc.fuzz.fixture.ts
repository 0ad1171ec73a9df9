import { noMetadata, StatusError } from "@mortise/kernel";
import { HessianReader } from "@mortise/kernel/hessian";
import { emptyNote, fullNote } from "@mortise/kernel/spi/serializer.conformance";
import { Echo, type FuzzTarget } from "@mortise/kernel/testing";
import { readCall, readReply, writeCall, writeFault, writeReply } from "./envelope.ts";
import { binaries } from "./hessian.fixture.ts";

const encode = (note: unknown) => binaries.codec<unknown>(Echo.methods.echo.input).encode(note);
const first = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");

/** Calls in both versions, replies and faults, read to their last value. */
export const target: FuzzTarget = {
  seeds: [
    writeCall("echo", 1, encode(fullNote)),
    writeCall("echo__1", 1, encode(emptyNote)),
    writeReply(encode(fullNote)),
    writeFault(new StatusError("ABORTED", "ausverkauft", { reason: "SOLD_OUT", details: { sku: "7" } }), {
      SOLD_OUT: "com.example.SoldOut",
    }),
    first("63 02 00 48 00 01 61 53 00 01 62 6d 00 04 61 64 64 32 49 00 00 00 02 64 00 00 00 d0 4b 92 84 b8 7a"),
    first("63 02 00 6d 00 01 61 56 74 00 01 62 6c 00 00 00 01 4e 7a 4d 74 00 01 43 53 00 01 61 52 00 00 00 00 7a 7a"),
  ],
  feed: (bytes) => {
    try {
      if (bytes[0] === 0x48 && bytes[3] !== 0x43)
        new HessianReader(bytes, readReply(bytes, { SOLD_OUT: "com.example.SoldOut" }, noMetadata)).value();
      else {
        const { values, start } = readCall(bytes);
        if (!values) new HessianReader(bytes, start).value();
      }
      return true;
    } catch (error) {
      if (error instanceof StatusError) return false;
      throw error;
    }
  },
};
