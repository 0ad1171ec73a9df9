// What encoding and decoding an order costs: `npm run bench -- codec`, as data with --json. The order is that of the
// peers' figures: an id of 36 characters and three lines, 119 bytes. Processor time is counted; systems take turns within
// each round, and ratios are taken inside a round, so that the machine's mood hits all alike.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  byteSink,
  codecOf,
  double,
  field,
  type Infer,
  int32,
  message,
  repeated,
  string,
} from "@mortise/kernel/contract";
import protobuf from "protobufjs";
import { protoFiles } from "../kernel/contract/proto/print.ts";
import { generateTsProto, protoWorkspace } from "../kernel/contract/testing/ts-proto.ts";

const Line = message("bench.v1.Line", { sku: string(1), quantity: int32(2), unitPrice: double(3) });
const Order = message("bench.v1.Order", { id: string(1), lines: repeated(field(2, Line)) });
type Order = Infer<typeof Order>;

interface System {
  readonly name: string;
  readonly encode: (order: Order) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => Order;
}

const rounds = process.argv.includes("--short") ? 7 : 25;
const operationsPerTurn = 20_000;
const count = 1024; // a power of two

const random = (below: number) => Math.floor(Math.random() * below);
const orders: readonly Order[] = Array.from({ length: count }, () => ({
  id: randomUUID(),
  lines: Array.from({ length: 3 }, () => ({
    sku: `SKU-${random(36 ** 8)
      .toString(36)
      .padStart(8, "0")}`,
    quantity: 1 + random(99),
    unitPrice: random(100_000) / 100,
  })),
}));

function ours(): System {
  const codec = codecOf(Order);
  return { name: "Mortise", encode: (order) => codec.encode(order), decode: (bytes) => codec.decode(bytes) };
}

/** As protocols do it: one message after the other into a buffer that is used again. */
function oursInto(): System {
  const codec = codecOf(Order);
  const sink = byteSink(64 * 1024);
  return {
    name: "Mortise, into a sink",
    encode(order) {
      if (sink.position > 60_000) sink.position = 0;
      const start = sink.position;
      codec.encodeInto(order, sink);
      return sink.buffer.subarray(start, sink.position);
    },
    decode: (bytes) => codec.decode(bytes),
  };
}

function protobufjs(): System {
  const root = new protobuf.Root();
  for (const text of protoFiles([Order]).values()) protobuf.parse(text, root);
  const type = root.lookupType(Order.name);
  return {
    name: "protobufjs",
    encode: (order) => type.encode(order).finish(),
    decode: (bytes) => type.decode(bytes) as unknown as Order,
  };
}

async function tsProto(): Promise<System> {
  await using workspace = await protoWorkspace(protoFiles([Order]));
  const { Order: generated } = await (await generateTsProto(workspace))("bench/v1/bench.proto");
  assert.ok(generated);
  return {
    name: "ts-proto",
    encode: (order) => generated.encode(order).finish(),
    decode: (bytes) => generated.decode(bytes) as Order,
  };
}

const json: System = {
  name: "JSON (Buffer)",
  encode: (order) => Buffer.from(JSON.stringify(order)),
  decode: (bytes) => JSON.parse((bytes as Buffer).toString()),
};

const reference = protobufjs();
const systems: readonly System[] = [ours(), oursInto(), reference, await tsProto(), json];

/** Every system must do the same work: the same bytes, and every field read back. */
function check({ name, encode, decode }: System): Uint8Array[] {
  return orders.map((order) => {
    const bytes = Buffer.from(encode(order));
    const read = decode(bytes);
    assert.equal(read.id, order.id, name);
    assert.deepEqual(
      read.lines.map(({ sku, quantity, unitPrice }) => ({ sku, quantity, unitPrice })),
      order.lines,
      name,
    );
    if (name !== json.name) assert.deepEqual(bytes, Buffer.from(reference.encode(order)), name);
    return bytes;
  });
}

const received = new Map(systems.map((system) => [system, check(system)]));

/** Nanoseconds of processor time per operation, all threads. Each result is looked at, so that nothing is optimised away. */
function time(operation: (i: number) => number): number {
  let seen = 0;
  const began = process.cpuUsage();
  for (let i = 0; i < operationsPerTurn; i++) seen += operation(i & (count - 1));
  const { user, system } = process.cpuUsage(began);
  assert.ok(seen > 0);
  return ((user + system) * 1e3) / operationsPerTurn;
}

interface Turn {
  readonly encode: number;
  readonly decode: number;
  readonly both: number;
}

function turn(system: System): Turn {
  const { encode, decode } = system;
  const bytes = received.get(system) ?? [];
  return {
    encode: time((i) => encode(orders[i] as Order).length),
    decode: time((i) => decode(bytes[i] as Uint8Array).lines.length),
    both: time((i) => decode(encode(orders[i] as Order)).lines.length),
  };
}

const turns = new Map<System, Turn[]>(systems.map((system) => [system, []]));
for (const system of systems) for (let i = 0; i < 3; i++) turn(system); // warm-up
for (let i = 0; i < rounds; i++) for (const [system, taken] of turns) taken.push(turn(system));

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
const twoDigits = (value: number): number => Math.round(value * 100) / 100;

const rows = [...turns].map(([system, taken]) => {
  const middle = (key: keyof Turn) => Math.round(median(taken.map((one) => one[key])));
  const ratios = taken.map((one, i) => (turns.get(reference)?.[i]?.both ?? 0) / one.both);
  return {
    name: system.name,
    bytes: received.get(system)?.[0]?.length ?? 0,
    encodeNs: middle("encode"),
    decodeNs: middle("decode"),
    bothNs: middle("both"),
    timesProtobufjs: twoDigits(median(ratios)),
    timesProtobufjsMin: twoDigits(Math.min(...ratios)),
    timesProtobufjsMax: twoDigits(Math.max(...ratios)),
  };
});

if (process.argv.includes("--json")) console.log(JSON.stringify(rows));
else {
  const cell = (value: number | string, width: number) => `${value}`.padStart(width);
  console.log(`${"".padEnd(22)} bytes  encode ns  decode ns  both ns  speed (protobufjs = 1, per round)`);
  for (const row of rows) {
    const ratio = `${row.timesProtobufjs.toFixed(2)} (${row.timesProtobufjsMin.toFixed(2)} to ${row.timesProtobufjsMax.toFixed(2)})`;
    const numbers = [cell(row.bytes, 5), cell(row.encodeNs, 10), cell(row.decodeNs, 10), cell(row.bothNs, 8)];
    console.log(`${row.name.padEnd(22)} ${numbers.join(" ")}  ${ratio}`);
  }
}
