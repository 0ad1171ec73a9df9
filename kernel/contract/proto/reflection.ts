import { bytes, field, int32, oneof, repeated, string } from "../fields.ts";
import { message } from "../message.ts";
import { rpc, service, stream } from "../service.ts";

// grpc.reflection as the gRPC project defines it (grpc/reflection/v1/reflection.proto). Version v1alpha has the same
// messages on the wire and is what many clients still ask for.

const ExtensionRequest = message("grpc.reflection.v1.ExtensionRequest", {
  containingType: string(1),
  extensionNumber: int32(2),
});
/** What a client asks a server about itself. */
export const ReflectionRequest = message("grpc.reflection.v1.ServerReflectionRequest", {
  host: string(1),
  messageRequest: oneof({
    fileByFilename: string(3),
    fileContainingSymbol: string(4),
    fileContainingExtension: field(5, ExtensionRequest),
    allExtensionNumbersOfType: string(6),
    listServices: string(7),
  }),
});
const FileDescriptorResponse = message("grpc.reflection.v1.FileDescriptorResponse", {
  fileDescriptorProto: repeated(bytes(1)),
});
const ExtensionNumberResponse = message("grpc.reflection.v1.ExtensionNumberResponse", {
  baseTypeName: string(1),
  extensionNumber: repeated(int32(2)),
});
const ServiceResponse = message("grpc.reflection.v1.ServiceResponse", { name: string(1) });
const ListServiceResponse = message("grpc.reflection.v1.ListServiceResponse", {
  service: repeated(field(1, ServiceResponse)),
});
const ErrorResponse = message("grpc.reflection.v1.ErrorResponse", { errorCode: int32(1), errorMessage: string(2) });
/** One answer to one request. */
export const ReflectionResponse = message("grpc.reflection.v1.ServerReflectionResponse", {
  validHost: string(1),
  originalRequest: field(2, ReflectionRequest),
  messageResponse: oneof({
    fileDescriptorResponse: field(4, FileDescriptorResponse),
    allExtensionNumbersResponse: field(5, ExtensionNumberResponse),
    listServicesResponse: field(6, ListServiceResponse),
    errorResponse: field(7, ErrorResponse),
  }),
});

const info = { serverReflectionInfo: rpc(stream(ReflectionRequest), stream(ReflectionResponse), { readOnly: true }) };

/** What `buf curl`, `grpcurl` and `mortise call` ask a server by. */
export const ServerReflection = service("grpc.reflection.v1.ServerReflection", info);
/** The same under its older name. */
export const ServerReflectionAlpha = service("grpc.reflection.v1alpha.ServerReflection", info);
