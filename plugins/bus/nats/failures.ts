import { StatusError } from "@mortise/kernel";
import { NatsError } from "nats";

/** The code of an error of the client, `503` for "nobody answers", or of the system. */
export function codeOfError(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return code === undefined ? "" : String(code);
}

/** The error number of JetStream, for example 10059 for a stream that is not there. */
export function jetStreamCode(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined;
}

/** An error of NATS as the status of a call. */
export function statusOf(error: unknown, doing: string): StatusError {
  if (error instanceof StatusError) return error;
  const code = codeOfError(error);
  const words = error instanceof NatsError ? (error.api_error?.description ?? error.message) : String(error);
  const message = `${doing}: ${words === code ? (meanings[code] ?? code) : words}`;
  return new StatusError(errorCode(code, words), message, { cause: error });
}

const meanings: Readonly<Record<string, string>> = {
  "503": "no JetStream answers for it",
  TIMEOUT: "the NATS server did not answer in time",
  MAX_PAYLOAD_EXCEEDED: "the message is larger than the NATS server takes (max_payload)",
};

function errorCode(code: string, words: string) {
  if (/^(PERMISSIONS|AUTHORIZATION)_VIOLATION$/.test(code)) return "PERMISSION_DENIED";
  if (code === "MAX_PAYLOAD_EXCEEDED" || /maximum|insufficient|exceeded/.test(words)) return "RESOURCE_EXHAUSTED";
  if (/^(503|TIMEOUT|DISCONNECT|CONNECTION_|STALE_|ECONN)/.test(code)) return "UNAVAILABLE";
  return "INTERNAL";
}
