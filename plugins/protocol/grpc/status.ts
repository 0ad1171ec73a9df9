import type { StatusObject } from "@grpc/grpc-js";
import {
  type ErrorCode,
  type Metadata,
  StatusError,
  type StatusErrorOptions,
  statusCodes,
  statusName,
} from "@mortise/kernel";
import { codecOf, type Infer } from "@mortise/kernel/contract";
import { retryableHeader } from "./metadata.ts";
import { ErrorInfo, errorInfoUrl, RpcStatus, retryInfoUrl } from "./rpc-status.ts";
import type { SentHeaders } from "./sent-headers.ts";

const detailsHeader = "grpc-status-details-bin";

/** What fits into trailers everywhere: Node and most proxies take 64 KiB of headers, grpc in C takes 16 KiB. */
const maxMessageChars = 2048;
const maxDetailsBytes = 12_288;

const rpcStatus = codecOf(RpcStatus);
const errorInfo = codecOf(ErrorInfo);

/**
 * Adds what code and message cannot say to the trailers: `reason` and `details` as google.rpc.ErrorInfo, `retryable`
 * as google.rpc.RetryInfo, and the message once more where it is too long for its own header. Details that would not
 * fit are left out.
 * @param domain of the reason: the service that failed
 * @returns the message for the header
 */
export function writeError(error: StatusError, domain: string, trailers: SentHeaders): string {
  const message = error.message.toWellFormed();
  const usual = error.code === "UNAVAILABLE";
  if (usual && !error.retryable) trailers.put(retryableHeader, "false");
  const details = [];
  if (error.reason !== undefined || Object.keys(error.details).length > 0) {
    details.push({ typeUrl: errorInfoUrl, value: encodeInfo(error, domain) });
  }
  if (!usual && error.retryable) details.push({ typeUrl: retryInfoUrl, value: new Uint8Array() });
  if (details.length > 0 || message.length > maxMessageChars) {
    const fitting = firstFitting(statusCodes[error.code], message, details);
    if (fitting) trailers.putBytes(detailsHeader, [fitting]);
  }
  return message.length > maxMessageChars ? `${message.slice(0, maxMessageChars).toWellFormed()}…` : message;
}

function encodeInfo({ reason = "", details }: StatusError, domain: string): Uint8Array {
  return errorInfo.encode({
    reason: reason.toWellFormed(),
    domain,
    metadata: new Map(Object.entries(details).map(([key, value]) => [key.toWellFormed(), value.toWellFormed()])),
  });
}

function firstFitting(code: number, message: string, details: Infer<typeof RpcStatus>["details"]) {
  const attempts = [
    { code, message, details },
    { code, message: "", details },
    { code, message, details: [] },
  ];
  return attempts.map((attempt) => rpcStatus.encode(attempt)).find((bytes) => bytes.length <= maxDetailsBytes);
}

/** The error a peer ended a call with. Details that cannot be read are left out, whoever sent them. */
export function readError(status: StatusObject, trailers: Metadata): StatusError {
  const code = statusName(status.code);
  const known: ErrorCode = code === "OK" ? "INTERNAL" : code;
  const sent = status.metadata.get(detailsHeader)[0];
  const options: Options = { trailers };
  const message = sent instanceof Uint8Array ? readDetails(sent, options, status.details) : status.details;
  if (status.metadata.get(retryableHeader)[0] === "false") options.retryable = false;
  return new StatusError(known, message, options);
}

type Options = { -readonly [K in keyof StatusErrorOptions]: StatusErrorOptions[K] };

function readDetails(bytes: Uint8Array, options: Options, message: string): string {
  try {
    const status = rpcStatus.decode(bytes);
    for (const { typeUrl, value } of status.details) {
      if (typeUrl === retryInfoUrl) options.retryable = true;
      if (typeUrl === errorInfoUrl) {
        const info = errorInfo.decode(value);
        if (info.reason !== "") options.reason = info.reason;
        options.details = Object.fromEntries(info.metadata);
      }
    }
    return status.message.length > message.length ? status.message : message;
  } catch {
    return message;
  }
}
