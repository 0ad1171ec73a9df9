import type { Context } from "../../call/context.ts";
import { StatusError } from "../../call/status.ts";
import { ContractError } from "../../contract/message.ts";
import { contractsIn } from "../../contract/proto/write.ts";
import type { ServiceType } from "../../contract/types.ts";
import type { Kernel } from "../../core/kernel.ts";
import { clients } from "../../spi/runtime.ts";
import { exitCodes, UserError } from "../exit.ts";
import { unknownService } from "./method-of.ts";
import { reflector } from "./reflection.ts";

/** The contract of a service from a module that exports it. Throws a UserError if that cannot be had. */
export async function declaredContract(module: string, service: string): Promise<ServiceType> {
  const contracts = await contractsIn([module]).catch((error: unknown) => {
    throw error instanceof ContractError ? new UserError(error.message, exitCodes.problems) : error;
  });
  const services = contracts.filter((one) => one.kind === "service");
  const found = services.find(({ name }) => name === service);
  if (found) return found;
  const names = services.map(({ name }) => name);
  throw unknownService(`${module} does not declare`, service, names);
}

/** The contract of a service as a running server describes it. Throws a UserError if it does not. */
export async function reflectedContract(kernel: Kernel, service: string, context: Context): Promise<ServiceType> {
  const server = reflector(kernel.get(clients), context);
  try {
    const contract = await server.contract(service);
    if (contract) return contract;
    throw unknownService("the server does not serve", service, await server.services());
  } catch (error) {
    if (!(error instanceof StatusError) || error.code !== "UNIMPLEMENTED") throw error;
    const message = `the server offers no reflection; name the module that declares ${service}: --contract <module>`;
    throw new UserError(message, exitCodes.problems);
  }
}
