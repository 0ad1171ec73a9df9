import type { Codec, Exposure, Invoker, Method } from "@mortise/kernel";
import { type RestRule, restRuleOf, restShape } from "@mortise/kernel/contract";

/** The one serializer whose messages people and browsers read. */
export const subtype = "json";

/** A method as the listener offers it. */
export interface RestRoute {
  readonly method: Method;
  readonly rule: RestRule;
  readonly invoke: Invoker;
  /** Nothing where JSON is not offered. */
  readonly codecs: { readonly input: Codec<unknown>; readonly output: Codec<unknown> } | undefined;
}

/** Everything a listener offers. Where two methods want the same path the later one has it. */
export function routesOf({ services, serializers }: Omit<Exposure, "gone">): readonly RestRoute[] {
  const json = [...serializers.values()].find((serializer) => serializer.subtype === subtype);
  return services.flatMap(({ methods }) =>
    [...methods.values()]
      .filter(({ method: { kind } }) => kind === "unary" || kind === "server-stream")
      .map(({ method, invoke }): RestRoute => {
        const codecs = json && { input: json.codec(method.input), output: json.codec(method.output) };
        return { method, invoke, codecs, rule: restRuleOf(method) };
      }),
  );
}

/** Throws an Error where two methods want the same path. */
export function refuseClash(routes: readonly RestRoute[]): void {
  const clash = clashOf(routes.map(({ method }) => method));
  if (clash !== undefined) throw new Error(`protocol/rest cannot offer both: ${clash}`);
}

/** Two methods that cannot be told apart, in words; nothing where all can. */
export function clashOf(methods: readonly Method[]): string | undefined {
  const known = new Map<string, Method>();
  for (const method of methods.filter(({ kind }) => kind === "unary" || kind === "server-stream")) {
    const shape = restShape(restRuleOf(method));
    const other = known.get(shape);
    if (other) return `${other.path} and ${method.path} are both ${shape}; change one path in its contract`;
    known.set(shape, method);
  }
  return undefined;
}
