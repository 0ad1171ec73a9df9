import assert from "node:assert/strict";
import { it } from "node:test";
import type { Client } from "../spi/runtime.ts";
import type { Handlers } from "../spi/service.ts";
import {
  bytes,
  enumeration,
  field,
  int32,
  int64,
  map,
  message,
  oneof,
  optional,
  repeated,
  required,
  rpc,
  service,
  stream,
  string,
} from "./index.ts";
import type { Infer } from "./types.ts";

const Status = enumeration("test.v1.Status", { UNSPECIFIED: 0, PLACED: 1 });
const Line = message("test.v1.Line", { sku: string(1), quantity: int32(2) });
const Order = message("test.v1.Order", {
  id: string(1),
  lines: repeated(field(2, Line)),
  status: field(3, Status),
  first: field(4, Line),
  main: required(field(5, Line)),
  labels: map("string", int64(6)),
  note: optional(string(7)),
  payment: oneof({ card: field(8, Line), wallet: bytes(9) }),
});
const Orders = service("test.v1.Orders", {
  get: rpc(Line, Order, { readOnly: true }),
  watch: rpc(Line, stream(Order)),
  load: rpc(stream(Line), Order),
  chat: rpc(stream(Line), stream(Order)),
});

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>(value?: T) => value;

it("infers the types of messages, clients and handlers", () => {
  type L = { readonly sku: string; readonly quantity: number };
  yes<Equal<Infer<typeof Line>, L>>();
  const order: Infer<typeof Order> = {
    id: "1",
    lines: [{ sku: "a", quantity: 1 }],
    status: Status.PLACED,
    main: { sku: "a", quantity: 1 },
    labels: new Map([["a", 1n]]),
  };
  const paid: Infer<typeof Order> = {
    ...order,
    payment: { $case: "card", value: { sku: "", quantity: 0 } },
    note: undefined,
  };
  // @ts-expect-error wrong case
  const bad: Infer<typeof Order> = { ...order, payment: { $case: "cash", value: 1 } };
  // @ts-expect-error main is required
  const lacking: Infer<typeof Order> = { id: "1", lines: [], status: 0, labels: new Map() };
  type C = Client<typeof Orders>;
  yes<Equal<ReturnType<C["get"]>, Promise<Infer<typeof Order>>>>();
  yes<Equal<ReturnType<C["watch"]>, AsyncIterable<Infer<typeof Order>>>>();
  yes<Equal<Parameters<C["load"]>[0], AsyncIterable<L>>>();
  const handlers: Handlers<typeof Orders> = {
    get: async (request) => ({ ...order, id: request.sku }),
    async *watch() {
      yield order;
    },
    load: async (lines) => {
      for await (const line of lines) void line.sku;
      return order;
    },
    async *chat(lines) {
      for await (const line of lines) yield { ...order, id: line.sku };
    },
  };
  assert.ok(paid && handlers && (bad || lacking));
});
