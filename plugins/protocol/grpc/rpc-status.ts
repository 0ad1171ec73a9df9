import { bytes, field, int32, map, message, repeated, string } from "@mortise/kernel/contract";

// The messages gRPC errors carry in the trailer "grpc-status-details-bin" (googleapis, google/rpc/status.proto and
// error_details.proto), as far as they are used here.

export const Any = message("google.protobuf.Any", { typeUrl: string(1), value: bytes(2) });

export const RpcStatus = message("google.rpc.Status", {
  code: int32(1),
  message: string(2),
  details: repeated(field(3, Any)),
});

export const ErrorInfo = message("google.rpc.ErrorInfo", {
  reason: string(1),
  domain: string(2),
  metadata: map("string", string(3)),
});

/** Type URLs of the details that are read and written. */
export const errorInfoUrl = "type.googleapis.com/google.rpc.ErrorInfo";
export const retryInfoUrl = "type.googleapis.com/google.rpc.RetryInfo";
