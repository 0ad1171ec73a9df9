import { type Clock, type Cluster, cluster, definePlugin, type Instance, StatusError } from "@mortise/kernel";

/** Lists of one, kept so that balancers see the same array for the same instance. */
const alone = new WeakMap<Instance, readonly Instance[]>();

/** Calls the first instance that can be reached, without balancing. */
export function availableCluster(clock: Clock): Cluster {
  return {
    invoker: ({ method }, group) => {
      const once = method.kind === "client-stream" || method.kind === "bidi-stream"; // its requests can be read once
      return async (call) => {
        const { context } = call;
        const candidates = await group.candidates(call);
        for (const [i, instance] of candidates.entries()) {
          try {
            return await group.attempt(call, only(instance));
          } catch (error) {
            const unreachable = error instanceof StatusError && error.neverSent;
            const over = context.cancelled !== undefined || clock.now() >= context.deadline;
            if (once || over || !unreachable || i === candidates.length - 1) throw error;
          }
        }
        throw new StatusError("UNAVAILABLE", `no instance of ${method.service}`, { neverSent: true });
      };
    },
  };
}

function only(instance: Instance): readonly Instance[] {
  const known = alone.get(instance) ?? Object.freeze([instance]);
  alone.set(instance, known);
  return known;
}

export const available = definePlugin({
  spi: cluster,
  name: "available",
  description: "Calls the first instance that can be reached, without balancing",
  setup: ({ ports }) => ({ api: availableCluster(ports.clock) }),
});
