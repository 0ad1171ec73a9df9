import { ContextNode, nodeOf } from "../../call/call-context.ts";
import type { Context } from "../../call/context.ts";
import { StatusError } from "../../call/status.ts";
import type { ExternalContext } from "../../spi/perform.ts";

class BranchNode extends ContextNode implements ExternalContext {
  gid = "";
  step = "";
  key = "";
  declared: readonly string[] = [];

  override get idempotencyKey(): string {
    return this.key;
  }

  readonly reject = (reason: string, message = "", details: Readonly<Record<string, string>> = {}): never => {
    if (!this.declared.includes(reason))
      throw new TypeError(`step ${this.step} says ${reason}, which its operation does not declare among its rejects`);
    throw new StatusError("FAILED_PRECONDITION", message || `${this.step}: ${reason}`, { reason, details });
  };
}

/** What an operation receives: the context of the call that drives it, and what it is about. */
export function branchContext(
  context: Context,
  about: { readonly gid: string; readonly step: string; readonly key: string; readonly rejects: readonly string[] },
): ExternalContext {
  const node = nodeOf(context);
  const made = new BranchNode(node.wheel, node, node.deadline, node.trace, node.facts);
  made.gid = about.gid;
  made.step = about.step;
  made.key = about.key;
  made.declared = about.rejects;
  return made;
}
