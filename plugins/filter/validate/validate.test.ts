import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext, type MessageType, noMetadata, type Reply, StatusError } from "@mortise/kernel";
import {
  bool,
  bytes,
  codecOf,
  double,
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
  uint32,
  uint64,
} from "@mortise/kernel/contract";
import { filterConformance } from "@mortise/kernel/spi/filter.conformance";
import { sampleCall, sampleInstance, sampleSite } from "@mortise/kernel/testing";
import fc from "fast-check";
import { constraint } from "./rules.ts";
import { shapeOf } from "./shape.ts";
import { validateFilter, validatePolicy } from "./validate-filter.ts";

filterConformance({ name: "validate", make: () => ({ subject: () => validateFilter }) });

const Status = enumeration("test.v1.Status", { UNSPECIFIED: 0, PLACED: 1, PAID: 2 });
const Line = message("test.v1.Line", { sku: string(1), quantity: int32(2) });
const Order = message("test.v1.Order", {
  id: string(1),
  lines: repeated(field(2, Line)),
  status: field(3, Status),
  main: required(field(4, Line)),
  extra: field(5, Line),
  labels: map("string", uint32(6)),
  note: optional(string(7)),
  total: int64(8),
  big: uint64(9),
  rate: double(10),
  gift: bool(11),
  data: bytes(12),
  payment: oneof({ card: field(13, Line), wallet: string(14) }),
});
const Orders = service("test.v1.Orders", {
  place: rpc(Order, Line),
  load: rpc(stream(Line), Line),
});

const line = { sku: "a", quantity: 1 };
const order = {
  id: "1",
  lines: [line, line],
  status: 1,
  main: line,
  labels: new Map([["a", 1]]),
  total: 1n,
  big: 2n,
  rate: 0.5,
  gift: false,
  data: new Uint8Array(3),
};

/** What the shape of a message finds wrong. */
function problemsOf(value: unknown, type: MessageType = Order): string[] {
  const problems: string[] = [];
  const right = shapeOf(type)(value, (path, problem) => problems.push(`${path.slice(1)} ${problem}`));
  assert.equal(right, problems.length === 0);
  assert.equal(shapeOf(type)(value), right);
  return problems;
}

describe("the shape of a message", () => {
  it("is that of a complete value", () => {
    assert.deepEqual(problemsOf(order), []);
    assert.deepEqual(problemsOf({ ...order, extra: line, note: "n", payment: { $case: "wallet", value: "w" } }), []);
    assert.deepEqual(problemsOf({ ...order, status: 99 }), [], "unknown values of an enumeration pass, as in proto3");
  });

  for (const [change, problem] of [
    [{ id: 5 }, "id must be a text"],
    [{ lines: undefined }, "lines must be a list"],
    [{ lines: [line, { sku: "b", quantity: 1.5 }] }, "lines[1].quantity must be a 32-bit integer"],
    [{ lines: [null] }, "lines[0] must be a message"],
    [{ status: "PLACED" }, "status must be a 32-bit integer"],
    [{ main: undefined }, "main is required"],
    [{ extra: 5 }, "extra must be a message"],
    [{ labels: { a: 1 } }, "labels must be a Map"],
    [{ labels: new Map([["a b", -1]]) }, 'labels["a b"] must be an unsigned 32-bit integer'],
    [{ labels: new Map([[1, 1]]) }, 'labels["1"] must be a text'],
    [{ note: null }, "note must be a text"],
    [{ total: 1 }, "total must be a 64-bit integer as a bigint"],
    [{ total: 2n ** 63n }, "total must be a 64-bit integer as a bigint"],
    [{ big: -1n }, "big must be an unsigned 64-bit integer as a bigint"],
    [{ rate: "1" }, "rate must be a number"],
    [{ gift: 0 }, "gift must be true or false"],
    [{ data: [1] }, "data must be bytes, a Uint8Array"],
    [{ payment: "card" }, "payment must be { $case, value } with $case one of card, wallet"],
    [{ payment: { $case: "cash", value: 1 } }, "payment must be { $case, value } with $case one of card, wallet"],
    [{ payment: { $case: "card", value: { sku: 1, quantity: 1 } } }, "payment.card.sku must be a text"],
  ] as const) {
    it(`says that ${problem}`, () => assert.deepEqual(problemsOf({ ...order, ...change }), [problem]));
  }

  it("tells all that is wrong", () => {
    assert.equal(problemsOf({ ...order, id: 1, rate: "", main: undefined }).length, 3);
    assert.deepEqual(problemsOf(undefined), [" must be a message"]);
  });

  it("knows messages that hold themselves", () => {
    const Tree: MessageType = message("test.v1.Tree", { name: string(1), below: repeated(field(2, () => Tree)) });
    const tree = (leaf: unknown) => ({ name: "a", below: [{ name: "b", below: [leaf] }] });
    assert.deepEqual(problemsOf(tree({ name: "c", below: [] }), Tree), []);
    assert.deepEqual(problemsOf(tree({ name: 1, below: [] }), Tree), ["below[0].below[0].name must be a text"]);
  });

  it("is what the codec decodes, whatever the values", () => {
    const values = fc.record({
      sku: fc.string({ unit: "grapheme" }),
      quantity: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    });
    fc.assert(
      fc.property(values, (value) => {
        const { decode, encode } = codecOf(Line);
        assert.deepEqual(problemsOf(value, Line), []);
        assert.deepEqual(problemsOf(decode(encode(value)), Line), []);
      }),
    );
  });
});

const reply: Reply = { response: {}, headers: noMetadata, trailers: () => noMetadata };

/** The error a request gets under constraints, or nothing. */
async function refused(constraints: unknown, request: unknown): Promise<StatusError | undefined> {
  const site = sampleSite({
    place: "provider",
    method: Orders.methods.place,
    policy: { fields: { validate: constraints } },
  });
  const invoke = validateFilter.wrap(site)?.(async () => reply);
  try {
    await invoke?.(sampleCall(callContext(), { method: Orders.methods.place, request }));
    return undefined;
  } catch (error) {
    assert.ok(error instanceof StatusError);
    return error;
  }
}

describe("filter/validate", () => {
  for (const [constraints, change, problem] of [
    [{ id: { required: true } }, { id: "" }, "id must be set"],
    [{ note: { required: true } }, {}, "note must be set"],
    [{ extra: { required: true } }, {}, "extra must be set"],
    [{ lines: { required: true } }, { lines: [] }, "lines must be set"],
    [{ labels: { required: true } }, { labels: new Map() }, "labels must be set"],
    [{ data: { required: true } }, { data: new Uint8Array() }, "data must be set"],
    [{ total: { min: 5 } }, {}, "total must be at least 5"],
    [{ rate: { max: 0.25 } }, {}, "rate must be at most 0.25"],
    [{ id: { minLength: 2 } }, {}, "id must have a length of at least 2"],
    [{ data: { maxLength: 2 } }, {}, "data must have a length of at most 2"],
    [{ id: { pattern: "^[a-z]+$" } }, {}, "id must match ^[a-z]+$"],
    [{ id: { oneOf: ["2", "3"] } }, {}, "id must be one of 2, 3"],
    [{ total: { oneOf: [5] } }, {}, "total must be one of 5"],
    [{ status: { oneOf: ["PAID"] } }, {}, "status must be one of PAID"],
    [{ status: { known: true } }, { status: 7 }, "status must be a value that is declared"],
    [{ lines: { maxItems: 1 } }, {}, "lines must have at most 1 items"],
    [{ labels: { minItems: 2 } }, {}, "labels must have at least 2 items"],
    [{ labels: { max: 0 } }, {}, 'labels["a"] must be at most 0'],
    [
      { "lines.quantity": { min: 2 } },
      { lines: [{ sku: "a", quantity: 3 }, line] },
      "lines[1].quantity must be at least 2",
    ],
    [
      { "card.sku": { minLength: 9 } },
      { payment: { $case: "card", value: line } },
      "payment.card.sku must have a length of at least 9",
    ],
  ] as const) {
    it(`refuses a request: ${problem}`, async () => {
      const error = await refused(constraints, { ...order, ...change });
      assert.deepEqual([error?.code, error?.reason, error?.message], ["INVALID_ARGUMENT", "INVALID_REQUEST", problem]);
      const [at = "", ...rest] = problem.split(" must ");
      assert.deepEqual(error?.details, { [at]: `must ${rest.join(" must ")}` });
    });
  }

  it("lets pass what is absent unless it is required, and members of a oneof that are not constrained", async () => {
    const constraints = {
      note: { minLength: 3 },
      extra: {},
      "extra.sku": { minLength: 9 },
      "card.sku": { minLength: 9 },
    };
    assert.equal(await refused(constraints, order), undefined);
    assert.equal(await refused(constraints, { ...order, payment: { $case: "wallet", value: "w" } }), undefined);
  });

  it("tells ten problems and counts the others, and shows no value", async () => {
    const secret = "hunter2";
    const lines = Array.from({ length: 15 }, () => ({ sku: secret, quantity: 0 }));
    const error = await refused({ "lines.quantity": { min: 1 } }, { ...order, lines });
    assert.equal(error?.message, "lines[0].quantity must be at least 1 (and 14 more)");
    assert.equal(Object.keys(error.details).length, 10);
    assert.ok(!JSON.stringify([error.message, error.details]).includes(secret));
  });

  for (const [constraints, problem] of [
    [{ "lines.qty": { min: 1 } }, /"lines\.qty" is no field; test\.v1\.Line has sku, quantity/],
    [{ "id.length": { min: 1 } }, /"id" is no message and has no fields/],
    [{ id: { min: 1 } }, /"min" does not fit the type of "id"/],
    [{ id: { maxItems: 1 } }, /"maxItems" does not fit the type of "id"/],
    [{ status: { oneOf: ["SENT"] } }, /names a value test\.v1\.Status does not have; it has UNSPECIFIED, PLACED, PAID/],
  ] as const) {
    it(`does not take a constraint that makes no sense: ${problem.source}`, () => {
      const site = sampleSite({
        place: "provider",
        method: Orders.methods.place,
        policy: { fields: { validate: constraints } },
      });
      assert.throws(() => validateFilter.wrap(site), problem);
    });
  }

  it("has a schema that refuses rules there are not", () => {
    const issues = (value: unknown) => {
      const result = validatePolicy.schemas.validate?.["~standard"].validate(value);
      return result instanceof Promise ? [] : (result?.issues ?? []);
    };
    assert.deepEqual(issues({ id: { minLength: 1 } }), []);
    assert.equal(issues({ id: { minLenght: 1 } }).length, 1);
    assert.equal(issues({ id: { pattern: "(" } }).length, 1);
    assert.ok(Object.keys(constraint.shape).length > 5);
  });

  it("stands at the provider only where the policy asks for something", () => {
    assert.equal(validateFilter.wrap(sampleSite({ place: "provider" })), undefined);
    assert.equal(validateFilter.wrap(sampleSite({ place: "call" })), undefined);
  });

  it("looks at the shape of requests that are handed over as they are, and of those alone", async () => {
    const method = Orders.methods.place;
    const invoke = validateFilter.wrap(sampleSite({ place: "attempt", method }))?.(async () => reply);
    const attempt = (protocol: string) =>
      invoke?.(
        sampleCall(callContext(), {
          method,
          request: { ...order, id: 5 },
          instance: sampleInstance("1", { protocol }),
        }),
      );
    await assert.rejects(attempt("inproc") as Promise<Reply>, {
      code: "INVALID_ARGUMENT",
      message: "id must be a text",
    });
    assert.equal(await attempt("grpc"), reply);
  });

  it("ends a stream of requests at the first message that is wrong", async () => {
    const method = Orders.methods.load;
    const fields = { validate: { quantity: { min: 1 } } };
    const seen: unknown[] = [];
    const invoke = validateFilter.wrap(sampleSite({ place: "provider", method, policy: { fields } }))?.(
      async (call) => {
        for await (const one of call.request as AsyncIterable<unknown>) seen.push(one);
        return reply;
      },
    );
    const request = (async function* () {
      yield line;
      yield { sku: "b", quantity: 0 };
      yield line;
    })();
    await assert.rejects(invoke?.(sampleCall(callContext(), { method, request })) as Promise<Reply>, {
      code: "INVALID_ARGUMENT",
      message: "quantity must be at least 1",
    });
    assert.deepEqual(seen, [line]);
  });
});
