import type { Call } from "../call/call.ts";
import type { CallContext } from "../call/context.ts";
import type { CallSite, Policy } from "../call/site.ts";
import { int32, message, rpc, service, string, topic } from "../contract/index.ts";
import { stream } from "../contract/service.ts";
import type { Instance } from "../spi/instance.ts";

/** A request of {@link Sample}. */
export const SampleRequest = message("mortise.sample.v1.SampleRequest", { key: string(1), number: int32(2) });
export const SampleReply = message("mortise.sample.v1.SampleReply", { text: string(1) });

/** A service with a method of every kind, to test plugins with. */
export const Sample = service("mortise.sample.v1.Sample", {
  read: rpc(SampleRequest, SampleReply, { readOnly: true }),
  write: rpc(SampleRequest, SampleReply),
  watch: rpc(SampleRequest, stream(SampleReply), { readOnly: true }),
  load: rpc(stream(SampleRequest), SampleReply),
  chat: rpc(stream(SampleRequest), stream(SampleReply)),
});

/** A topic to test plugins with. */
export const SampleTopic = topic("mortise.sample.v1.Happened", SampleRequest);

/** An instance of {@link Sample}, warm, of weight 100, with some changes. */
export function sampleInstance(id: string, changes: Partial<Instance> = {}): Instance {
  return {
    id,
    service: Sample.name,
    address: `127.0.0.1:${id}`,
    protocol: "inproc",
    serializers: ["protobuf"],
    weight: 100,
    zone: "",
    version: "",
    tags: {},
    startedAt: 0,
    ...changes,
  };
}

/** Where a call of {@link Sample} passes, under the default policy with some changes. */
export function sampleSite(
  changes: Partial<Omit<CallSite, "policy">> & { readonly policy?: Partial<Policy> } = {},
): CallSite {
  const policy: Policy = {
    timeoutMs: 1000,
    retries: 2,
    protocol: "inproc",
    serializer: "protobuf",
    loadbalancer: "random",
    cluster: "failover",
    fields: {},
    ...changes.policy,
  };
  return { place: "call", method: Sample.methods.read, app: "sample", ...changes, policy };
}

/** A call of {@link Sample}'s `read`, with some changes. */
export function sampleCall(context: CallContext, changes: Partial<Call> = {}): Call {
  return { method: Sample.methods.read, request: { key: "", number: 0 }, context, ...changes };
}
