import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  bool,
  ContractError,
  Empty,
  enumeration,
  field,
  int32,
  int64,
  type MessageType,
  map,
  message,
  oneof,
  optional,
  repeated,
  restRuleOf,
  rpc,
  service,
  stream,
  string,
  timestamp,
} from "../index.ts";

const Color = enumeration("test.v1.Color", { UNSPECIFIED: 0, RED: 1 });
const Owner = message("test.v1.Owner", { id: string(1), nickname: string(2) });
const Line = message("test.v1.Line", { sku: string(1) });
const Order = message("test.v1.Order", {
  id: string(1),
  number: int64(2),
  color: field(3, Color),
  owner: field(4, Owner),
  lines: repeated(field(5, Line)),
  tags: repeated(string(6)),
  labels: map("string", string(7)),
  since: timestamp(8),
  urgent: optional(bool(9)),
  pay: oneof({ card: string(10), wallet: int32(11) }),
});
const Filter = message("test.v1.Filter", {
  id: string(1),
  tags: repeated(string(2)),
  since: timestamp(3),
  owner: field(4, Owner),
});
interface TreeShape {
  readonly id: string;
  readonly child?: TreeShape | undefined;
}
const Tree: MessageType<TreeShape> = message("test.v1.Tree", { id: string(1), child: field(2, () => Tree) });

/** What `service` says of one method that is written wrong. */
function refusal(input: MessageType, rest: object, output: Parameters<typeof rpc>[1] = Empty): string {
  try {
    service("test.v1.Orders", { act: rpc(input, output, { rest: rest as never }) });
  } catch (error) {
    assert.ok(error instanceof ContractError);
    return error.message.replace("service test.v1.Orders, method act, rest: ", "");
  }
  return assert.fail("it is taken");
}

describe("what a method declares for REST", () => {
  it("is compiled to a rule", () => {
    const Orders = service("test.v1.Orders", {
      get: rpc(Filter, Order, { readOnly: true, rest: { get: "/orders/{id}" } }),
      pay: rpc(Order, Empty, { rest: { post: "/orders/{id}/owners/{owner.id}:pay" } }),
      rename: rpc(Owner, Empty, { rest: { patch: "/owners/{id}", body: "nickname" } }),
      watch: rpc(Filter, stream(Order), { rest: { get: "/orders" } }),
      plain: rpc(Order, Order),
    });
    const { get, pay, rename, plain } = Orders.methods;
    assert.deepEqual(get.rest, {
      verb: "GET",
      path: "/orders/{id}",
      segments: [{ text: "orders" }, { field: ["id"] }],
      action: undefined,
      body: undefined,
    });
    assert.deepEqual([pay.rest?.action, pay.rest?.body], ["pay", "*"]);
    assert.deepEqual(pay.rest?.segments.at(-1), { field: ["owner", "id"] });
    assert.equal(rename.rest?.body, "nickname");
    assert.equal(plain.rest, undefined);
    assert.ok(!("rest" in plain));
    const rule = restRuleOf(plain);
    assert.deepEqual([rule.verb, rule.path, rule.body], ["POST", "/test.v1.Orders/Plain", "*"]);
  });

  it("is checked by the compiler where it sees the fields", () => {
    rpc(Order, Empty, { rest: { get: "/orders/{id}/{number}/{card}" } });
    // @ts-expect-error {ident} is no field of the request
    rpc(Order, Empty, { rest: { get: "/orders/{ident}" } });
    // @ts-expect-error only one verb
    rpc(Order, Empty, { rest: { get: "/orders", delete: "/orders" } });
    // @ts-expect-error GET has no body
    rpc(Order, Empty, { rest: { get: "/orders", body: "*" } });
    // @ts-expect-error no such field
    rpc(Order, Empty, { rest: { post: "/orders", body: "line" } });
    rpc(Order, Empty, { rest: { post: "/orders", body: "lines" } });
  });

  for (const [what, input, rest, message] of [
    ["an unknown verb", Order, { got: "/a" }, '"got" is no verb. Did you mean get?'],
    ["two verbs", Filter, { get: "/a", delete: "/a" }, "give one of get, put, post, patch, delete with a path"],
    ["no verb", Filter, {}, "give one of get, put, post, patch, delete with a path"],
    ["a path that begins in the middle", Filter, { get: "orders" }, 'the path "orders" begins with "/" and a name'],
    ["an empty part", Filter, { get: "/a//b" }, 'the path "/a//b" has an empty part'],
    ["a query in the path", Filter, { get: "/a?b" }, '"a?b" in the path: use letters'],
    ["a part that climbs", Filter, { get: "/a/../b" }, '".." in the path: use letters'],
    ["half a parameter", Filter, { get: "/a/x{id}" }, '"x{id}" in the path: use letters'],
    ["a pattern", Filter, { get: "/a/{id=b/*}" }, "{id=b/*} in the path: patterns are not known"],
    ["an unknown field", Filter, { get: "/a/{idd}" }, "{idd} is no field of test.v1.Filter. Did you mean id?"],
    [
      "an unknown field of a field",
      Filter,
      { get: "/a/{owner.idd}" },
      "{idd} is no field of test.v1.Owner. Did you mean id?",
    ],
    ["a field of a text", Filter, { get: "/a/{id.x}" }, "{id.x}: id is no message"],
    ["a message in the path", Filter, { get: "/a/{owner}" }, "{owner} is a message; name one of its fields"],
    ["a list in the path", Filter, { get: "/a/{tags}" }, "{tags} is a list or map, which no path can hold"],
    ["a field twice", Filter, { get: "/a/{id}/{id}" }, "{id} stands twice in the path"],
    ["a body without a verb for it", Filter, { get: "/a", body: "*" }, "get has no body"],
    ["an unknown body", Filter, { post: "/a", body: "ids" }, "{ids} is no field of test.v1.Filter. Did you mean id?"],
    ["a body that is in the path", Order, { post: "/a/{owner.id}", body: "owner" }, "owner is in the path"],
    [
      "a list of messages in the query",
      Order,
      { get: "/a" },
      "lines would be in the query, but lines is a list of messages",
    ],
    ["a map in the query", Order, { post: "/a", body: "lines" }, "labels would be in the query, but labels is a map"],
    [
      "a message that holds itself in the query",
      Tree,
      { get: "/a/{id}" },
      "child would be in the query, but test.v1.Tree holds itself",
    ],
  ] as const) {
    it(`is refused with ${what}`, () => assert.ok(refusal(input, rest).startsWith(message), refusal(input, rest)));
  }

  it("is refused for streams of requests", () => {
    assert.throws(
      () => service("test.v1.Orders", { load: rpc(stream(Filter), Empty, { rest: { post: "/a" } }) }),
      /HTTP carries no stream of requests/,
    );
  });

  it("is refused where two methods cannot be told apart", () => {
    assert.throws(
      () =>
        service("test.v1.Orders", {
          get: rpc(Filter, Order, { rest: { get: "/orders/{id}" } }),
          look: rpc(Owner, Order, { rest: { get: "/orders/{nickname}" } }),
        }),
      /service test.v1.Orders: get and look are both GET \/orders\/\{\} over rest; change one path/,
    );
  });
});
