import type { Exposure, InFlight, ServedMethod, ServiceType } from "@mortise/kernel";
import { codecOf, ServerReflection, ServerReflectionAlpha } from "@mortise/kernel/contract";
import { usualSubtype } from "./connection.ts";
import { Health, healthBook } from "./health.ts";
import type { GrpcOptions } from "./options.ts";
import { reflectionMethods } from "./reflection.ts";
import type { ServerRoute } from "./server-route.ts";

/** Gives the routes of the services this plugin adds to what is offered: health and reflection, if the options ask for them. */
export function ownServices(
  { health, reflection }: Pick<GrpcOptions, "health" | "reflection">,
  inFlight: InFlight,
): (exposure: Exposure) => ReadonlyMap<string, ServerRoute> {
  const book = healthBook();
  return ({ services }) => {
    book.offer(services.map(({ service }) => service.name));
    const known: ServiceType[] = services.map(({ service }) => service);
    if (health) known.push(Health);
    if (reflection) known.push(ServerReflection, ServerReflectionAlpha);
    const methods = [...(health ? book.methods : []), ...(reflection ? reflectionMethods(known) : [])];
    return new Map(methods.map((served) => [`/${served.method.path}`, route(served, inFlight)]));
  };
}

/** These services speak protobuf, whatever the others do. */
function route({ method, invoke }: ServedMethod, inFlight: InFlight): ServerRoute {
  const codecs = new Map([[usualSubtype, { input: codecOf(method.input), output: codecOf(method.output) }]]);
  return { method, invoke, codecs, inFlight };
}
