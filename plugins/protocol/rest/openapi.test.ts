import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { restRuleOf } from "@mortise/kernel/contract";
import { Echo, Sample } from "@mortise/kernel/testing";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Library, openLibrary } from "./library.fixture.ts";
import { openApiOf } from "./openapi.ts";

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: object }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: { properties?: object } }>> };
  readonly responses: Readonly<Record<string, { readonly content: object }>>;
}

async function described(...services: readonly (typeof Library | typeof Echo | typeof Sample)[]): Promise<Described> {
  const methods = services
    .flatMap(({ methods }) => Object.values(methods))
    .filter(({ kind }) => /^(unary|server)/.test(kind));
  const document = openApiOf(
    methods.map((method) => ({ method, rule: restRuleOf(method) })),
    "Test",
  );
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  assert.ok(valid, JSON.stringify(errors, undefined, 1));
  return document as unknown as Described;
}

describe("the description of what is offered", () => {
  it("is an OpenAPI 3.1 document", async () => {
    const { paths, components } = await described(Library, Echo, Sample);
    const ids = Object.values(paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId));
    assert.equal(new Set(ids).size, ids.length);
    const text = JSON.stringify(paths) + JSON.stringify(components);
    const refs = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name ?? "");
    assert.ok(refs.length > 20);
    for (const name of refs) assert.ok(Object.hasOwn(components.schemas, name), name);
  });

  it("names parameters with their places and types", async () => {
    const { paths } = await described(Library);
    const find = paths["/shelves/{shelf}/books"]?.get;
    const byName = new Map(find?.parameters?.map((one) => [one.name, one]));
    assert.deepEqual(
      [...byName.keys()],
      ["shelf", "limit", "above", "genre", "tags", "author.name", "author.country", "lent", "since", "rating", "cover"],
    );
    assert.deepEqual([byName.get("shelf")?.in, byName.get("limit")?.in], ["path", "query"]);
    assert.deepEqual(byName.get("tags")?.schema, { type: "array", items: { type: "string" } });
    assert.deepEqual(byName.get("since")?.schema, { type: "string", format: "date-time" });
    assert.deepEqual(byName.get("lent")?.schema, { type: "boolean" });
    assert.equal(find?.requestBody, undefined);
  });

  it("leaves out of a body what is in the path, and shows a field that is the body", async () => {
    const { paths } = await described(Library);
    const change = paths["/books/{id}"]?.put?.requestBody?.content["application/json"]?.schema;
    assert.ok(change?.properties && !("id" in change.properties) && "title" in change.properties);
    const tags = paths["/shelves/{shelf}/tags"]?.patch?.requestBody?.content["application/json"]?.schema;
    assert.deepEqual(tags, { type: "array", items: { type: "string" } });
  });

  it("tells streams of events, and problems for whatever goes wrong", async () => {
    const { paths } = await described(Library);
    const responses = paths["/books/{id}/events"]?.get?.responses;
    assert.deepEqual(Object.keys(responses?.["200"]?.content ?? {}), ["text/event-stream"]);
    assert.deepEqual(Object.keys(responses?.default?.content ?? {}), ["application/problem+json"]);
  });

  it("follows what is offered, and can be left out", async () => {
    const library = await openLibrary({ title: "The library" });
    const document = async () =>
      (await (await fetch(`${library.url}/openapi.json`)).json()) as Described & { readonly info: { title: string } };
    assert.equal((await document()).info.title, "The library");
    await library.listener.update({ services: [], serializers: new Map() });
    assert.deepEqual((await document()).paths, {});
    await library.stop();
    const silent = await openLibrary({ openapi: false });
    assert.equal((await fetch(`${silent.url}/openapi.json`)).status, 404);
    await silent.stop();
  });
});
