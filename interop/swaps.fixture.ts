// The service that is called while everything around it is exchanged.
import { defineService } from "@mortise/kernel";
import { int32, message, rpc, service, string } from "@mortise/kernel/contract";

const Said = message("mortise.swaps.v1.Said", { text: string(1), number: int32(2) });

/** Says again what it hears. Unary, so that every protocol can carry it. */
export const Swaps = service("mortise.swaps.v1.Swaps", { say: rpc(Said, Said, { readOnly: true }) });

export const swaps = defineService(Swaps, {
  name: "swaps",
  description: "Says again what it hears",
  setup: () => ({ handlers: { say: async (said) => said } }),
});
