import { type ErrorCode, StatusError, statusCodes } from "@mortise/kernel";
import { jsonOf, type MessageType } from "@mortise/kernel/contract";

/** What a call is answered with instead. */
export type Substitute =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "error"; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: "function"; readonly file: string; readonly name: string };

/** When a call is answered otherwise, and with what. */
export interface Degradation {
  /** `force`: without calling; `fail`: when the call failed for a reason that is not the caller's. */
  readonly when: "force" | "fail";
  readonly substitute: string;
}

/**
 * Parses `force:…` and `fail:…` (Dubbo's words; without either, `fail`). Throws a SyntaxError that says what may follow.
 */
export function parseMock(text: string): Degradation {
  const [, when = "fail", rest = ""] = /^(?:(force|fail)\s*:?\s*)?(.*)$/s.exec(text.trim()) ?? [];
  const substitute = rest === "" ? "return" : rest;
  if (!/^(return|throw|call)\b/.test(substitute)) {
    throw new SyntaxError(
      `mock "${text}": write return <json>, throw <CODE> <message>, or call <file>#<export>, after force: or fail:`,
    );
  }
  return { when: when as Degradation["when"], substitute };
}

/** The substitute for a method's answers of this type. Throws a SyntaxError or StatusError that says what is wrong with it. */
export function substituteOf(text: string, output: MessageType): Substitute {
  const [, verb = "", given = ""] = /^(return|throw|call)\s*(.*)$/s.exec(text) ?? [];
  if (verb === "throw") return errorOf(given);
  if (verb === "call") return functionOf(given);
  return { kind: "value", value: messageOf(given.replaceAll("`", '"'), output) };
}

/** An empty answer for nothing, `null`, `empty` and `{}`; JSON otherwise. */
function messageOf(text: string, output: MessageType): unknown {
  const json = text === "" || text === "null" || text === "empty" ? "{}" : text;
  return jsonOf(output).fromJson(JSON.parse(json));
}

function errorOf(text: string): Substitute {
  const [, code = "", message = ""] = /^([A-Z_]*)\s*(.*)$/s.exec(text) ?? [];
  if (code === "") return { kind: "error", code: "UNAVAILABLE", message: message || "the service is degraded" };
  if (!(code in statusCodes) || code === "OK") throw new SyntaxError(`mock: "${code}" is no status an error can have`);
  return { kind: "error", code: code as ErrorCode, message: message || "the service is degraded" };
}

function functionOf(text: string): Substitute {
  const [file = "", name = ""] = text.split("#");
  if (file === "" || name === "") throw new SyntaxError(`mock "call ${text}": write call <file>#<export>`);
  return { kind: "function", file, name };
}

/** The error a substitute stands for. */
export function degraded(code: ErrorCode, message: string): StatusError {
  return new StatusError(code, message, { reason: "DEGRADED" });
}
