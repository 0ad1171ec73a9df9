import { definePlugin, type Instance, policyFields, type Route, type Router, router } from "@mortise/kernel";
import { type Keep, narrowing } from "@mortise/kernel/spi/narrowing";
import { z } from "zod";

/** The name of the baggage entry a request is tagged with, and of the tag of an instance. */
const tagName = "tag";

export const tagFields = policyFields({
  tag: z.string().default("").describe("Tag of calls that bring none in their baggage"),
  tagForce: z.boolean().default(false).describe("Refuse a tagged call that has no tagged instance"),
  tagAddresses: z
    .record(z.string(), z.array(z.string()))
    .default({})
    .describe("Addresses that count as tagged, by tag, before the tags of instances"),
});

type Fields = ReturnType<typeof tagFields.of>;

/** Dubbo's tag routing: by addresses of the rule, else by the tag of instances, else to those without a tag. */
export const tagRouter: Router = {
  route(site): Route {
    const fields = tagFields.of(site);
    const narrow = narrowing<string>();
    const keep: Keep<string> = (candidates, tag) =>
      tag === "" ? untagged(candidates, fields) : tagged(candidates, tag, fields);
    return (candidates, call) => narrow(candidates, call.context.baggage[tagName] ?? fields.tag, keep);
  },
};

function tagged(candidates: readonly Instance[], tag: string, fields: Fields): readonly Instance[] {
  const addresses = Object.hasOwn(fields.tagAddresses, tag) ? fields.tagAddresses[tag] : undefined;
  if (addresses) {
    const listed = candidates.filter(({ address }) => addresses.includes(address));
    if (listed.length > 0 || fields.tagForce) return listed;
  }
  const own = candidates.filter(({ tags }) => tags[tagName] === tag);
  return own.length > 0 || fields.tagForce ? own : untagged(candidates, fields);
}

function untagged(candidates: readonly Instance[], { tagAddresses }: Fields): readonly Instance[] {
  const reserved = new Set(Object.values(tagAddresses).flat());
  return candidates.filter(({ tags, address }) => (tags[tagName] ?? "") === "" && !reserved.has(address));
}

export const tag = definePlugin({
  spi: router,
  name: "tag",
  description: "Keeps tagged calls on tagged instances and all others off them",
  policy: tagFields.schemas,
  setup: () => ({ api: tagRouter }),
});
