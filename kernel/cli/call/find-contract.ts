import { ContractError } from "../../contract/message.ts";
import { contractsIn } from "../../contract/proto/write.ts";
import type { ServiceType } from "../../contract/types.ts";
import { unknownService } from "../../generic/method-of.ts";
import { exitCodes, UserError } from "../exit.ts";

/** The contract of a service from a module that exports it. Throws a UserError or a StatusError if that cannot be had. */
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
