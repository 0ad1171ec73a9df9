import { defineService } from "@mortise/kernel";
import { message, rpc, service, string } from "@mortise/kernel/contract";

const Name = message("hello.v1.Name", { name: string(1) });
const Greeting = message("hello.v1.Greeting", { text: string(1) });
export const Hello = service("hello.v1.Hello", { greet: rpc(Name, Greeting, { readOnly: true }) });

export const hello = defineService(Hello, {
  description: "Greets people",
  setup: ({ log }) => ({
    handlers: {
      greet: async ({ name }) => {
        log.info(`greeting ${name}`);
        return { text: `Hello, ${name}!` };
      },
    },
  }),
});
