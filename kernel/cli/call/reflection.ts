import type { CallContext } from "../../call/context.ts";
import { StatusError } from "../../call/status.ts";
import { codecOf } from "../../contract/codec/codec.ts";
import { bytes, field, int32, message, oneof, repeated, rpc, service, stream, string } from "../../contract/index.ts";
import type { Infer } from "../../contract/types.ts";
import type { Connection } from "../../spi/protocol.ts";
import type { Serializer } from "../../spi/serializer.ts";

// The part of gRPC's reflection protocol that is needed to call a method one knows nothing about
// (grpc.io, "gRPC Server Reflection Protocol").

const Request = message("grpc.reflection.v1.ServerReflectionRequest", {
  host: string(1),
  messageRequest: oneof({ fileByFilename: string(3), fileContainingSymbol: string(4), listServices: string(7) }),
});
const Files = message("grpc.reflection.v1.FileDescriptorResponse", { fileDescriptorProto: repeated(bytes(1)) });
const ServiceName = message("grpc.reflection.v1.ServiceResponse", { name: string(1) });
const Services = message("grpc.reflection.v1.ListServiceResponse", { service: repeated(field(1, ServiceName)) });
const Failure = message("grpc.reflection.v1.ErrorResponse", { errorCode: int32(1), errorMessage: string(2) });
const Response = message("grpc.reflection.v1.ServerReflectionResponse", {
  validHost: string(1),
  originalRequest: field(2, Request),
  messageResponse: oneof({
    fileDescriptorResponse: field(4, Files),
    listServicesResponse: field(6, Services),
    errorResponse: field(7, Failure),
  }),
});
const Reflection = service("grpc.reflection.v1.ServerReflection", {
  serverReflectionInfo: rpc(stream(Request), stream(Response)),
});

const protobuf: Serializer = { contentType: "application/protobuf", subtype: "proto", codec: codecOf };

type Question = NonNullable<Infer<typeof Request>["messageRequest"]>;
type Answer = NonNullable<Infer<typeof Response>["messageResponse"]>;

/** Asks a running server what it serves. */
export interface Reflector {
  services(): Promise<readonly string[]>;
  /** The files that declare a service and everything it uses, as serialised FileDescriptorProtos; nothing if it is unknown. */
  filesOf(service: string): Promise<readonly Uint8Array[] | undefined>;
  fileNamed(name: string): Promise<readonly Uint8Array[]>;
}

/** Rejects with UNIMPLEMENTED where the server offers no reflection. */
export function reflector(connection: Connection, context: CallContext): Reflector {
  const invoke = connection.invoker(Reflection.methods.serverReflectionInfo, protobuf);
  const ask = async (question: Question): Promise<Answer> => {
    async function* requests(): AsyncIterable<Infer<typeof Request>> {
      yield { host: "", messageRequest: question };
    }
    const { response } = await invoke({
      method: Reflection.methods.serverReflectionInfo,
      request: requests(),
      context,
    });
    for await (const answer of response as AsyncIterable<Infer<typeof Response>>) {
      if (answer.messageResponse) return answer.messageResponse;
    }
    throw new StatusError("INTERNAL", "the server's reflection gave no answer");
  };
  const files = async (question: Question): Promise<readonly Uint8Array[] | undefined> => {
    const answer = await ask(question);
    return answer.$case === "fileDescriptorResponse" ? answer.value.fileDescriptorProto : undefined;
  };
  return {
    services: async () => {
      const answer = await ask({ $case: "listServices", value: "" });
      return answer.$case === "listServicesResponse" ? answer.value.service.map(({ name }) => name) : [];
    },
    filesOf: (name) => files({ $case: "fileContainingSymbol", value: name }),
    fileNamed: async (name) => (await files({ $case: "fileByFilename", value: name })) ?? [],
  };
}
