import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { callContext, noMetadata, type Protocol, type Serializer, StatusError } from "@mortise/kernel";
import { FirstHessianReader, HessianReader, type HessianValue } from "@mortise/kernel/hessian";
import { callers, connectTo, echoExposure } from "@mortise/kernel/spi/protocol-laws/world";
import { emptyNote } from "@mortise/kernel/spi/serializer.conformance";
import { Echo, echoEvents, silentLog } from "@mortise/kernel/testing";
import fc from "fast-check";
import { readCall, readReply, writeCall, writeFault, writeReply } from "./envelope.ts";
import { binaries, start } from "./hessian.fixture.ts";

const post = (address: string, path: string, body: Uint8Array<ArrayBuffer>) =>
  fetch(`http://${address}${path}`, { method: "POST", body });

/** What a fault says. */
async function faultOf(response: Response): Promise<Readonly<Record<string, HessianValue>>> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  assert.deepEqual([...bytes.slice(0, 4)], [0x48, 2, 0, 0x46]);
  return Object.fromEntries(new HessianReader(bytes, 4).value() as Map<string, HessianValue>);
}

async function serving(
  check: (address: string, protocol: Protocol) => Promise<void>,
  options: object = {},
  serializers: readonly Serializer[] = [binaries],
): Promise<void> {
  const protocol = start(options);
  const listener = await protocol.listen(echoExposure(silentLog, { events: echoEvents(), serializers }));
  try {
    await check(listener.address, protocol);
  } finally {
    await listener.close(0);
  }
}

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const echoCall = (name = "echo") =>
  Uint8Array.from(writeCall(name, 1, binaries.codec(Echo.methods.echo.input).encode(emptyNote)));

describe("a call of Hessian", () => {
  it("is read as the specification has it", () => {
    const { method, count, start } = readCall(hex("48 02 00 43 04 61 64 64 32 92 92 93"));
    assert.deepEqual([method, count, start], ["add2", 2, 10]);
  });

  it("is read in the first version, with headers before it", () => {
    const old = hex("63 02 00 48 00 01 61 53 00 01 62 6d 00 04 61 64 64 32 49 00 00 00 02 49 00 00 00 03 7a");
    assert.deepEqual(readCall(old), { method: "add2", count: 2, start: 0, values: [2, 3] });
  });

  it("is INVALID_ARGUMENT where it is none, whatever the bytes are", () => {
    const seeds = [hex("48 02 00 43 04 61 64 64 32 92 92 93"), hex("63 02 00 6d 00 01 61 56 7a 4d 74 00 01 61 7a 7a")];
    const tame = (bytes: Uint8Array) => {
      try {
        readCall(bytes);
      } catch (error) {
        assert.ok(error instanceof StatusError && error.code === "INVALID_ARGUMENT", String(error));
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), tame), { numRuns: 20_000 });
    fc.assert(
      fc.property(fc.constantFrom(...seeds), fc.nat(), fc.nat(255), (seed, at, byte) => {
        const bytes = seed.slice();
        bytes[at % bytes.length] = byte;
        tame(bytes);
      }),
      { numRuns: 20_000 },
    );
  });
});

describe("a reply of Hessian", () => {
  const read = (bytes: Uint8Array) => {
    try {
      readReply(bytes, { SOLD_OUT: "com.example.SoldOut" }, noMetadata);
    } catch (error) {
      return error as StatusError;
    }
    return undefined;
  };

  it("begins its result behind its head", () => assert.equal(readReply(writeReply(hex("93")), {}, noMetadata), 4));

  it("is a fault with the whole status, and with the exception that stands for its reason", () => {
    const error = new StatusError("ABORTED", "ausverkauft: ä", { reason: "SOLD_OUT", details: { sku: "7" } });
    const fault = writeFault(error, { SOLD_OUT: "com.example.SoldOut" });
    const map = new HessianReader(fault, 4).value() as Map<string, HessianValue>;
    assert.equal(map.get("code"), "ServiceException");
    const { code, message, reason, details } = read(fault) ?? {};
    assert.deepEqual([code, message, reason, details], ["ABORTED", "ausverkauft: ä", "SOLD_OUT", { sku: "7" }]);
  });

  it("is a fault by its code, where nothing else is known", () => {
    const fault = hex(
      "48 02 00 46 48 04 63 6f 64 65 15 4e 6f 53 75 63 68 4d 65 74 68 6f 64 45 78 63 65 70 74 69 6f 6e 5a",
    );
    assert.equal(read(fault)?.code, "UNIMPLEMENTED");
    assert.equal(read(hex("48 02 00 46 48 5a"))?.code, "UNKNOWN");
  });

  it("is INTERNAL where it is none", () => {
    assert.equal(read(hex("72 01 00 4e 7a"))?.code, "INTERNAL");
    assert.equal(read(hex(""))?.code, "INTERNAL");
  });
});

describe("protocol/hessian", () => {
  it("answers whatever was posted with a fault, and goes on", async () => {
    await serving(async (address) => {
      const path = `/${Echo.name}`;
      for (const [body, where, code] of [
        [hex("ff ff"), path, "INVALID_ARGUMENT"],
        [new Uint8Array(), path, "INVALID_ARGUMENT"],
        [echoCall("nothing"), path, "NoSuchMethodException"],
        [echoCall(), "/nowhere", "NoSuchMethodException"],
        [hex("48 02 00 43 04 65 63 68 6f 90"), path, "NoSuchMethodException"],
      ] as const) {
        assert.equal((await faultOf(await post(address, where, body))).code, code);
      }
      const response = await post(address, path, echoCall("echo__1"));
      assert.deepEqual([...new Uint8Array(await response.arrayBuffer())].slice(0, 4), [0x48, 2, 0, 0x52]);
    });
  });

  it("tells those who read nothing but the first version so", async () => {
    await serving(async (address) => {
      const response = await post(address, `/${Echo.name}`, hex("63 01 00 6d 00 04 65 63 68 6f 4e 7a"));
      const bytes = Buffer.from(await response.arrayBuffer());
      assert.equal(bytes.toString("hex", 0, 11), "72010066530004636f6465"); // r 1 0 f S "code"
      assert.equal(new FirstHessianReader(bytes, 11).value(), "UNIMPLEMENTED");
      assert.equal(bytes.toString("latin1").slice(-2), "zz");
    });
  });

  it("takes nothing but POST, and says what it is", async () => {
    await serving(async (address) => {
      const response = await fetch(`http://${address}/`);
      assert.deepEqual([response.status, response.headers.get("allow")], [405, "POST"]);
      assert.match(await response.text(), /Hessian/);
    });
  });

  it("closes connections that speak something else, and no others", async () => {
    await serving(async (address, protocol) => {
      const connection = connectTo(protocol, address);
      const { call } = callers(connection, binaries);
      await call("echo", emptyNote);
      const { hostname, port } = new URL(`http://${address}`);
      const socket = connect(Number(port), hostname);
      const closed = new Promise((resolve) => socket.on("close", resolve));
      socket.on("error", () => undefined).resume();
      socket.write("no HTTP at all\r\n\r\n");
      await closed;
      await call("echo", emptyNote);
      await connection.close(0);
    });
  });

  it("serves under the path and the names that the options say", async () => {
    const services = { [Echo.name]: { path: "/api/echo", methods: { echo: { name: "repeat" } } } };
    await serving(
      async (address, protocol) => {
        const connection = connectTo(protocol, address);
        await callers(connection, binaries).call("echo", emptyNote);
        await connection.close(0);
        const response = await post(address, "/api/echo?x=1", echoCall("repeat"));
        assert.equal(new Uint8Array(await response.arrayBuffer())[3], 0x52);
        assert.equal((await faultOf(await post(address, "/api/echo", echoCall()))).code, "NoSuchMethodException");
      },
      { services },
    );
  });

  it("offers nothing without the serializer hessian2", async () => {
    await serving(
      async (address) => {
        const fault = await faultOf(await post(address, `/${Echo.name}`, echoCall()));
        assert.equal(fault.code, "NoSuchMethodException");
      },
      {},
      [],
    );
  });

  it("refuses serializers it does not carry, and streams, before anything is sent", async () => {
    const connection = connectTo(start(), "127.0.0.1:1");
    const ask = (kind: "echo" | "count", serializer: Serializer) =>
      connection.invoker(
        Echo.methods[kind],
        serializer,
      )({
        method: Echo.methods[kind],
        request: emptyNote,
        context: callContext(),
      });
    const refused = { code: "UNIMPLEMENTED", neverSent: true };
    await assert.rejects(ask("echo", { ...binaries, subtype: "json" }), refused);
    await assert.rejects(ask("count", binaries), refused);
    await connection.close(0);
  });

  it("says which option to change where the port is taken", async () => {
    await serving(async (address) => {
      const port = Number(address.split(":").at(-1));
      const second = start({ port }).listen(echoExposure(silentLog, { serializers: [binaries] }));
      await assert.rejects(second, /protocol\/hessian cannot listen on 127\.0\.0\.1:\d+: .*option "port"/);
    });
  });
});
