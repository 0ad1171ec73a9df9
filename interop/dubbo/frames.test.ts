import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { byteSink } from "@mortise/kernel/contract";
import { HessianObject, HessianReader, type HessianValue, HessianWriter } from "@mortise/kernel/hessian";

interface Recorded {
  readonly what: string;
  readonly client: readonly string[];
  readonly server: readonly string[];
}

/** What record.ts wrote down: every frame as the hexadecimal digits of its head and of its body. */
const recorded = (version: string): Recorded[] =>
  JSON.parse(readFileSync(join(import.meta.dirname, `frames-${version}.json`), "utf8"));

const bodyOf = (frame = "") => Buffer.from(frame.split(" ")[1] ?? "", "hex");
const valuesOf = (body: Uint8Array) => {
  const reader = new HessianReader(body);
  const values: HessianValue[] = [];
  while (!reader.done) values.push(reader.value());
  return values;
};

function written(values: readonly HessianValue[]): Uint8Array {
  const sink = byteSink();
  const writer = new HessianWriter(sink);
  for (const value of values) writer.value(value);
  return sink.buffer.slice(0, sink.position);
}

const object = (value: HessianValue | undefined): Record<string, HessianValue> => {
  assert.ok(value instanceof HessianObject);
  return Object.fromEntries(value.fields);
};
const address = (street: string, number: number) =>
  new HessianObject("com.example.interop.Address", new Map<string, HessianValue>(Object.entries({ number, street })));

for (const version of ["3.3.6", "2.7.23"]) {
  describe(`what Dubbo ${version} sends`, () => {
    const all = recorded(version);
    const of = (what: string) => all.find((one) => one.what === what) ?? assert.fail(`${what} was not recorded`);
    const request = (what: string) => valuesOf(bodyOf(of(what).client[0]));
    const response = (what: string) => valuesOf(bodyOf(of(what).server[0]));

    it("is read to the last byte, and is the same after it was written again", () => {
      for (const { what, client, server } of all) {
        for (const frame of [...client, ...server]) {
          const values = valuesOf(bodyOf(frame));
          assert.deepEqual(valuesOf(written(values)), values, what);
        }
      }
    });

    it("is a bean with a value of every kind", () => {
      const [dubbo, path, serviceVersion, method, descriptor, parcel, attachments, ...rest] = request("echo full");
      const name = "com.example.interop.Exchange";
      assert.deepEqual([dubbo, path, serviceVersion, method, rest], ["2.0.2", name, "0.0.0", "echo", []]);
      assert.equal(descriptor, "Lcom/example/interop/Parcel;");
      assert.ok(attachments instanceof Map && attachments.get("interface") === name);
      const { inner, price, color, tags, labels, stops, places, data, ...plain } = object(parcel);
      assert.deepEqual(plain, {
        text: "Grüße, 世界 😀",
        count: -123_456_789,
        weight: 9_223_372_036_854_775_806n,
        share: 0.1,
        ratio: 1.5,
        fragile: true,
        sent: new Date(1_700_000_000_123),
        address: address("Main Street", 7),
        note: "there",
        rank: 0,
        serial: 5n,
      });
      assert.deepEqual(
        [object(price), object(color)],
        [{ value: "12345678901234567890.0123456789" }, { name: "GREEN" }],
      );
      assert.deepEqual(
        [[...(tags as string[])], [...(data as Uint8Array)]],
        [
          ["a", "", "a"],
          [0, 1, 255, 127, 128],
        ],
      );
      const byName = (map: HessianValue | undefined) => Object.fromEntries(map as Map<string, HessianValue>);
      assert.deepEqual(byName(labels), { one: 1, minus: -1, big: 2_147_483_647 });
      assert.deepEqual([...(stops as HessianValue[])], [address("Elm", 1), address("Oak", 2)]);
      assert.deepEqual(byName(places), { home: address("Elm", 1) });
      assert.equal(object(inner).inner, null);
    });

    it("keeps one object in several places one", () => {
      const { address: one, stops, places } = object(request("echo shared")[5]);
      const all = [...(stops as HessianValue[]), ...(places as Map<HessianValue, HessianValue>).values()];
      assert.ok(all.length === 4 && all.every((other) => other === one));
    });

    it("is an exception that is its own cause", () => {
      const [type, thrown] = response("fail business");
      assert.ok(type === 3 && thrown instanceof HessianObject);
      assert.equal(thrown.className, "com.example.interop.ExchangeException");
      const { detailMessage, level, cause, stackTrace } = object(thrown);
      assert.deepEqual([detailMessage, level, cause === thrown], ["no parcel today: ä", 3, true]);
      assert.ok(Array.isArray(stackTrace) && stackTrace.length > 10);
    });

    it("is heartbeats, and the wish that nothing more be sent", () => {
      assert.deepEqual(
        [of("heartbeat").client[0]?.slice(0, 8), bodyOf(of("heartbeat").client[0])[0]],
        ["dabbe200", 0x4e],
      );
      assert.deepEqual(of("heartbeat").server[0]?.slice(0, 8), "dabb2214");
      assert.ok(of("shutdown").server.some((frame) => frame.startsWith("dabba200") && frame.endsWith(" 0152")));
    });
  });
}
