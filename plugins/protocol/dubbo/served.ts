import {
  answered,
  type Codec,
  type Exposure,
  type Invoker,
  type Method,
  type Serializer,
  type ServedService,
} from "@mortise/kernel";
import { type HessianValues, hessianValuesOf } from "@mortise/kernel/hessian";
import { type JavaMethod, javaMethod } from "./java-method.ts";
import type { ServiceOptions } from "./options.ts";

/** How the messages of one method are read and written with one serializer. */
export interface Codecs {
  readonly input: Codec<unknown>;
  readonly output: Codec<unknown>;
}

/** A method as the server offers it. */
export interface Served {
  readonly method: Method;
  readonly invoke: Invoker;
  /** By subtype. */
  readonly codecs: ReadonlyMap<string, Codecs>;
}

/** A method as Java calls it. */
export interface ServedJava extends Served {
  readonly java: JavaMethod;
}

/** A service as Java calls it. */
export interface JavaService {
  readonly group: string;
  readonly version: string;
  /** By name; several where their descriptors tell them apart. */
  readonly methods: ReadonlyMap<string, readonly ServedJava[]>;
}

/** Everything a listener offers at one time. */
export interface Offered {
  readonly byPath: ReadonlyMap<string, Served>;
  /** By interface; nothing where hessian2 is not among the serializers. */
  readonly byInterface: ReadonlyMap<string, readonly JavaService[]>;
  /** Subtypes of the serializers, for messages. */
  readonly serializers: readonly string[];
}

type Services = Readonly<Record<string, Partial<ServiceOptions>>>;

/** What an exposure comes to. Throws an Error where options and contract do not fit each other. */
export function offered(exposure: Exposure, options: Services): Offered {
  const byPath = new Map<string, Served>();
  const byInterface = new Map<string, JavaService[]>();
  const all = [...exposure.serializers.values()];
  const values = all.map((one) => (one.subtype === "hessian2" ? hessianValuesOf(one) : undefined)).find(Boolean);
  for (const service of answered(exposure)) {
    const served = unaryOf(service, all);
    for (const one of served) byPath.set(one.method.path, one);
    if (values) addJava(byInterface, service.service.name, served, values, options);
  }
  return { byPath, byInterface, serializers: all.map(({ subtype }) => subtype) };
}

/** Methods that stream are offered by other protocols. */
function unaryOf({ methods }: ServedService, serializers: readonly Serializer[]): readonly Served[] {
  return [...methods.values()]
    .filter(({ method }) => method.kind === "unary")
    .map(({ method, invoke }) => ({
      method,
      invoke,
      codecs: new Map(
        serializers.map((one) => [one.subtype, { input: one.codec(method.input), output: one.codec(method.output) }]),
      ),
    }));
}

function addJava(
  byInterface: Map<string, JavaService[]>,
  name: string,
  served: readonly Served[],
  values: HessianValues,
  options: Services,
): void {
  const own = options[name] ?? {};
  const methods = new Map<string, ServedJava[]>();
  for (const one of served) {
    const java = javaMethod(one.method, values, own);
    methods.set(java.name, [...(methods.get(java.name) ?? []), { ...one, java }]);
  }
  const [group, version] = [own.group ?? "", own.version ?? ""];
  const known = byInterface.get(own.interface ?? name) ?? [];
  const others = known.filter((one) => one.group !== group || one.version !== version); // has left, and this has its place
  byInterface.set(own.interface ?? name, [...others, { group, version, methods }]);
}
