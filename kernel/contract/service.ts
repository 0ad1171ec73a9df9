import { ContractError } from "./message.ts";
import { compileRest, restShape } from "./rest/compile.ts";
import type { RestRule, RestSpec } from "./rest/rule.ts";
import type { MessageType, Method, MethodFacts, MethodKind, ServiceType, TopicType } from "./types.ts";
import { Empty } from "./well-known.ts";

/** Marks a side of a method that sends any number of messages. */
export interface StreamOf<T> {
  readonly stream: MessageType<T>;
}

export function stream<T>(message: MessageType<T>): StreamOf<T> {
  return { stream: message };
}

type Side = MessageType | StreamOf<unknown>;
type Item<S> = S extends StreamOf<infer T> ? T : S extends MessageType<infer T> ? T : never;
type KindOf<I, O> =
  I extends StreamOf<infer _>
    ? O extends StreamOf<infer _>
      ? "bidi-stream"
      : "client-stream"
    : O extends StreamOf<infer _>
      ? "server-stream"
      : "unary";

/** A method as written in `service`, before it has a name. */
export interface RpcSpec<I, O, K extends MethodKind> {
  readonly kind: K;
  readonly input: MessageType<I>;
  readonly output: MessageType<O>;
  readonly facts: MethodFacts;
  readonly rest: object | undefined;
}

/** What a method promises, and how it is called over HTTP: `rest: { get: "/orders/{id}" }`, in the style of google.api.http. */
export interface RpcOptions<P extends string, I> extends Partial<MethodFacts> {
  readonly rest?: RestSpec<P, I>;
}

/** Declares a method. `readOnly` implies `idempotent`; only idempotent methods are ever retried after they were sent. */
export function rpc<I extends Side, O extends Side, const P extends string = string>(
  input: I,
  output: O,
  options: RpcOptions<P, Item<I>> = {},
): RpcSpec<Item<I>, Item<O>, KindOf<I, O>> {
  const kind =
    "stream" in input
      ? "stream" in output
        ? "bidi-stream"
        : "client-stream"
      : "stream" in output
        ? "server-stream"
        : "unary";
  const { readOnly = false, idempotent = readOnly, criticality = "normal", rest } = options;
  return {
    kind: kind as KindOf<I, O>,
    input: ("stream" in input ? input.stream : input) as MessageType<Item<I>>,
    output: ("stream" in output ? output.stream : output) as MessageType<Item<O>>,
    facts: Object.freeze({ readOnly, idempotent: idempotent || readOnly, criticality }),
    rest,
  };
}

type RpcSpecs = Readonly<Record<string, RpcSpec<unknown, unknown, MethodKind>>>;

type MethodOf<R> = R extends RpcSpec<infer I, infer O, infer K> ? Method<I, O> & { readonly kind: K } : never;

export type MethodsOf<R> = { readonly [N in keyof R]: MethodOf<R[N]> };

/**
 * Declares a service. Throws a {@link ContractError} for a bad name, or a `rest` declaration that cannot be.
 * @param name fully qualified, for example `shop.inventory.v1.Inventory`
 */
export function service<const R extends RpcSpecs>(name: string, methods: R): ServiceType<MethodsOf<R>> {
  if (!/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*\.[A-Z][A-Za-z0-9]*$/.test(name)) {
    throw new ContractError(`service "${name}": use a package and a name, for example "shop.inventory.v1.Inventory"`);
  }
  const entries = Object.entries(methods).map(([method, spec]) => {
    if (!/^[a-z][a-zA-Z0-9]*$/.test(method))
      throw new ContractError(`service ${name}: write method "${method}" in lowerCamelCase`);
    const wireName = method.charAt(0).toUpperCase() + method.slice(1);
    const { rest: declared, ...parts } = spec;
    const rest = declared && compileRest(`service ${name}, method ${method}`, declared, spec);
    const named = { ...parts, service: name, name: method, wireName, path: `${name}/${wireName}` };
    return [method, Object.freeze({ ...named, ...(rest && { rest }) })] as const;
  });
  refuseConflicts(name, entries);
  return Object.freeze({
    kind: "service",
    name,
    methods: Object.freeze(Object.fromEntries(entries) as unknown as MethodsOf<R>),
  });
}

function refuseConflicts(service: string, methods: readonly (readonly [string, { readonly rest?: RestRule }])[]): void {
  const known = new Map<string, string>();
  for (const [method, { rest }] of methods) {
    if (!rest) continue;
    const shape = restShape(rest);
    const other = known.get(shape);
    if (other !== undefined)
      throw new ContractError(
        `service ${service}: ${other} and ${method} are both ${shape} over rest; change one path`,
      );
    known.set(shape, method);
  }
}

/**
 * Declares a topic. `key` names the field whose value orders events.
 * @param name fully qualified, for example `shop.order.v1.OrderPaid`
 */
export function topic<T>(
  name: string,
  message: MessageType<T>,
  options: { readonly key?: keyof T & string } = {},
): TopicType<T> {
  if (!/^[a-z][a-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+$/.test(name)) {
    throw new ContractError(`topic "${name}": use a package and a name, for example "shop.order.v1.OrderPaid"`);
  }
  const at = name.lastIndexOf(".");
  const method = Object.freeze({
    service: name.slice(0, at),
    name: name.slice(at + 1),
    wireName: name.slice(at + 1),
    path: `${name.slice(0, at)}/${name.slice(at + 1)}`,
    kind: "event" as const,
    input: message,
    output: Empty,
    facts: Object.freeze({ readOnly: false, idempotent: true, criticality: "normal" as const }),
  });
  return Object.freeze({
    kind: "topic",
    name,
    message,
    key: options.key,
    method: method as unknown as Method<T, void>,
  });
}
