import { definePlugin, every, filter, identity, live } from "@mortise/kernel";
import { authFilter, authPolicy } from "./auth-filter.ts";

export const auth = definePlugin({
  spi: filter,
  name: "auth",
  description: "Proves who calls, and rules who may call what",
  needs: { identities: live(every(identity)) },
  policy: authPolicy.schemas,
  activate: { order: 350, whenUsed: [identity] },
  setup: ({ deps }) => ({ api: authFilter(() => deps.identities.current) }),
});
