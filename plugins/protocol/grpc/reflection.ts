import { noMetadata, type ServedMethod, type ServiceType, statusCodes } from "@mortise/kernel";
import {
  fileDescriptorSet,
  type Infer,
  type ReflectionRequest,
  type ReflectionResponse,
  ServerReflection,
  ServerReflectionAlpha,
} from "@mortise/kernel/contract";
import { type DescriptorIndex, descriptorIndex } from "./descriptor-index.ts";

type Request = Infer<typeof ReflectionRequest>;
type Answer = NonNullable<Infer<typeof ReflectionResponse>["messageResponse"]>;

/** Tells clients which services there are and what their messages look like. */
export function reflectionMethods(services: readonly ServiceType[]): readonly ServedMethod[] {
  const names = services.map(({ name }) => name).sort();
  let index: DescriptorIndex | undefined;
  const answer = (request: Request): Answer => {
    index ??= descriptorIndex(fileDescriptorSet(services));
    return answerTo(request, names, index);
  };
  return [ServerReflection, ServerReflectionAlpha].map(({ methods }) => ({
    method: methods.serverReflectionInfo,
    invoke: async ({ request }) => ({
      response: answers(request as AsyncIterable<Request>, answer),
      headers: noMetadata,
      trailers: () => noMetadata,
    }),
  }));
}

async function* answers(
  requests: AsyncIterable<Request>,
  answer: (request: Request) => Answer,
): AsyncIterable<Infer<typeof ReflectionResponse>> {
  for await (const request of requests) {
    yield { validHost: request.host, originalRequest: request, messageResponse: answer(request) };
  }
}

function answerTo({ messageRequest }: Request, names: readonly string[], index: DescriptorIndex): Answer {
  switch (messageRequest?.$case) {
    case "listServices":
      return { $case: "listServicesResponse", value: { service: names.map((name) => ({ name })) } };
    case "fileByFilename":
      return files(index.byName(messageRequest.value), `file ${messageRequest.value}`);
    case "fileContainingSymbol":
      return files(index.bySymbol(messageRequest.value), `symbol ${messageRequest.value}`);
    case "allExtensionNumbersOfType": {
      const baseTypeName = messageRequest.value;
      if (!index.bySymbol(baseTypeName)) return notFound(`type ${baseTypeName}`);
      return { $case: "allExtensionNumbersResponse", value: { baseTypeName, extensionNumber: [] } };
    }
    case "fileContainingExtension":
      return notFound(`extension of ${messageRequest.value.containingType}`);
    default:
      return failure("INVALID_ARGUMENT", "the request asks for nothing");
  }
}

function files(found: readonly Uint8Array[] | undefined, what: string): Answer {
  return found ? { $case: "fileDescriptorResponse", value: { fileDescriptorProto: found } } : notFound(what);
}

function notFound(what: string): Answer {
  return failure("NOT_FOUND", `this server knows no ${what}`);
}

function failure(code: "NOT_FOUND" | "INVALID_ARGUMENT", errorMessage: string): Answer {
  return { $case: "errorResponse", value: { errorCode: statusCodes[code], errorMessage } };
}
