import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { noMetadata, StatusError } from "@mortise/kernel";
import { fuzz } from "@mortise/kernel/testing";
import fc from "fast-check";
import { headers } from "nats";
import { Inlet, Outlet } from "./flow.ts";
import { decodeFrame, encodeFrame, type Frame, type FrameKind, frameKinds, uint32 } from "./frame.ts";
import { receivedMetadata, receivedTrailers } from "./metadata.ts";
import { target } from "./nats.fuzz.fixture.ts";
import { readError } from "./status.ts";

const maxBytes = 100_000;
const kinds = Object.keys(frameKinds) as FrameKind[];

const body = (kind: FrameKind, bytes: Uint8Array): Uint8Array =>
  kind === "credit"
    ? uint32(bytes.length)
    : kind === "cancel"
      ? Uint8Array.of(1)
      : kind === "end"
        ? new Uint8Array()
        : bytes;

describe("a frame", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.nat(2 ** 32 - 1), fc.uint8Array(), (kind, sequence, bytes) => {
        const given = body(kind, bytes);
        const frame: Frame = decodeFrame(encodeFrame(kind, sequence, given));
        assert.deepEqual([frame.kind, frame.sequence], [kind, sequence]);
        assert.ok(Buffer.from(frame.body).equals(given));
      }),
    );
  });

  it("is refused or read, never worse, whatever 50,000 peers send", async () => {
    const { taken, refused, peakBytes } = await fuzz(target, { runs: 50_000 });
    assert.ok(taken > 1000 && refused > 1000, `${taken} taken, ${refused} refused`);
    assert.ok(peakBytes < 256 * 1024 * 1024, `${peakBytes} bytes were kept`);
  });
});

describe("messages in pieces", () => {
  it("come out as they went in, whatever the size of a piece", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 500 })),
        fc.integer({ min: 20, max: 200 }),
        (messages, payload) => {
          const inlet = new Inlet(maxBytes, "a/B");
          const seen: Uint8Array[] = [];
          const outlet = new Outlet(
            (bytes) => {
              assert.ok(bytes.length <= payload);
              const message = inlet.accept(decodeFrame(bytes));
              if (message) seen.push(message);
            },
            payload,
            0,
          );
          for (const message of messages) outlet.message(message);
          assert.deepEqual(
            seen.map((one) => [...one]),
            messages.map((one) => [...one]),
          );
        },
      ),
    );
  });

  it("are refused when they grow beyond the limit, and when one is missing", () => {
    const inlet = new Inlet(10, "a/B");
    const piece = new Uint8Array(6);
    inlet.accept(decodeFrame(encodeFrame("part", 0, piece)));
    assert.throws(() => inlet.accept(decodeFrame(encodeFrame("part", 1, piece))), { code: "RESOURCE_EXHAUSTED" });
    assert.throws(() => inlet.accept(decodeFrame(encodeFrame("message", 3, piece))), { code: "UNAVAILABLE" });
  });
});

describe("what others put into headers and errors", () => {
  it("gives metadata and a status, or nothing", () => {
    const name = fc.oneof(
      fc.constantFrom("x-a", "x-a-bin", "Mortise-Trailer-x", "Nats-Service-Error-Code", "__proto__"),
      fc.stringMatching(/^[!-9;-~]{1,8}$/),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, fc.stringMatching(/^[\x20-\xff]{0,12}$/))),
        fc.uint8Array(),
        (entries, bytes) => {
          const given = headers();
          for (const [key, value] of entries) given.append(key, value);
          for (const one of [receivedMetadata(given), receivedTrailers(given)])
            for (const key of one.names()) assert.ok(one.getAll(key).length > 0 || one.getAll(key).length === 0);
          const error = readError(given, bytes, noMetadata);
          assert.ok(error === undefined || error instanceof StatusError);
        },
      ),
      { numRuns: 5000 },
    );
  });
});
