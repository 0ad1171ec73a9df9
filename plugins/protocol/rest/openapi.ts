import type { Field, MessageType, Method } from "@mortise/kernel";
import { type JsonObject, type JsonValue, jsonSchemasOf } from "@mortise/kernel/contract";
import { fieldAt, isSingleText } from "./field-text.ts";
import { problemType } from "./problem.ts";
import type { RestRoute } from "./route.ts";
import { jsonType } from "./server-call.ts";
import { eventStreamType } from "./server-sent-events.ts";

const refPrefix = "#/components/schemas/";
const problemName = "Problem";

type Routed = Pick<RestRoute, "method" | "rule">;

/** What is offered as an OpenAPI 3.1 document. */
export function openApiOf(routes: readonly Routed[], title: string): JsonObject {
  const paths: Record<string, Record<string, JsonValue>> = {};
  for (const route of routes) {
    const { path, verb } = route.rule;
    paths[path] = { ...paths[path], [verb.toLowerCase()]: operation(route) };
  }
  const types = routes.flatMap(({ method }) => [method.input, method.output]);
  return {
    openapi: "3.1.0",
    info: { title, version: "1.0.0" },
    paths,
    components: { schemas: { ...jsonSchemasOf(types, refPrefix), [problemName]: problemSchema } },
  };
}

function operation({ method, rule }: Routed): JsonObject {
  const parameters = [...pathParameters(rule, method.input), ...queryParameters(rule, method.input)];
  const body = bodySchema(rule, method.input);
  return {
    operationId: method.path.replace("/", "."),
    tags: [method.service],
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: true, content: { [jsonType]: { schema: body } } } }),
    responses: { "200": success(method), default: failure },
  };
}

function success({ kind, output }: Method): JsonObject {
  const schema = refOf(output);
  if (kind === "unary") return { description: "The response", content: { [jsonType]: { schema } } };
  const description = `A stream of events. Each event without a name has one ${output.name} as JSON in its data; the last one is named end or problem.`;
  return { description, content: { [eventStreamType]: { schema: { type: "string" } } } };
}

const failure: JsonObject = {
  description: "What went wrong",
  content: { [problemType]: { schema: { $ref: refPrefix + problemName } } },
};

/** RFC 9457 with the members of a status. */
const problemSchema: JsonObject = {
  title: problemName,
  type: "object",
  required: ["type", "title", "status", "detail", "code"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string", description: "One of gRPC's codes" },
    reason: { type: "string" },
    details: { type: "object", additionalProperties: { type: "string" } },
    retryable: { type: "boolean" },
  },
};

function pathParameters({ segments }: Routed["rule"], input: MessageType): JsonObject[] {
  return segments.flatMap((segment) =>
    "text" in segment
      ? []
      : [{ name: segment.field.join("."), in: "path", required: true, schema: schemaAt(input, segment.field) }],
  );
}

function queryParameters(rule: Routed["rule"], input: MessageType): JsonObject[] {
  if (rule.body === "*") return [];
  const taken = new Set(rule.segments.flatMap((segment) => ("field" in segment ? [segment.field.join(".")] : [])));
  if (rule.body !== undefined) taken.add(rule.body);
  return leaves(input, []).flatMap((path) => {
    const name = path.join(".");
    return taken.has(name) ? [] : [{ name, in: "query", schema: schemaAt(input, path) }];
  });
}

/** The fields a query can hold, by their paths. */
function leaves(type: MessageType, above: readonly string[]): string[][] {
  return type.fields.flatMap((field) => {
    const path = [...above, field.name];
    if (isSingleText(field)) return [path];
    return field.type.kind === "message" && !field.repeated && field.mapKey === undefined
      ? leaves(field.type.message(), path)
      : [];
  });
}

function bodySchema({ body, segments }: Routed["rule"], input: MessageType): JsonObject | undefined {
  if (body === undefined) return undefined;
  if (body !== "*") return schemaAt(input, [body]);
  const inPath = segments.flatMap((segment) => ("field" in segment && segment.field.length === 1 ? segment.field : []));
  const whole = jsonSchemasOf([input], refPrefix)[input.name] as JsonObject | undefined;
  if (inPath.length === 0 || !whole) return refOf(input);
  const properties = Object.entries(whole.properties as JsonObject).filter(([name]) => !inPath.includes(name));
  return { ...whole, properties: Object.fromEntries(properties) };
}

/** The schema of one field. */
function schemaAt(input: MessageType, path: readonly string[]): JsonObject {
  const field: Field = fieldAt(input, path);
  const holder = ownerOf(input, path);
  const schema = jsonSchemasOf([holder], refPrefix)[holder.name] as JsonObject;
  return (schema.properties as JsonObject)[field.name] as JsonObject;
}

function ownerOf(input: MessageType, path: readonly string[]): MessageType {
  if (path.length === 1) return input;
  const { type } = fieldAt(input, path.slice(0, -1));
  return type.kind === "message" ? type.message() : input;
}

/** By name, or in place where JSON writes the message in its own way. */
function refOf(type: MessageType): JsonObject {
  return type.name in jsonSchemasOf([type], refPrefix) ? { $ref: refPrefix + type.name } : {};
}
