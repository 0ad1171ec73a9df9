import { type Method, StatusError } from "@mortise/kernel";
import { restRuleOf } from "@mortise/kernel/contract";
import type { FuzzTarget } from "@mortise/kernel/testing";
import { Library } from "./library.fixture.ts";
import { accepts } from "./negotiate.ts";
import { json } from "./rest.fixture.ts";
import { routerOf } from "./router.ts";
import { eventReader, writeEvent } from "./server-sent-events.ts";
import { readRequest } from "./transcode.ts";

const routes = Object.values(Library.methods).map((method: Method) => {
  const codecs = { input: json.codec(method.input), output: json.codec(method.output) };
  return { method, rule: restRuleOf(method), codecs, invoke: () => Promise.reject(new Error("not called")) };
});
const router = routerOf(routes);

/** What a server makes of a request as it is sent; nothing where nothing is there. */
export function received(
  verb: string,
  url: string,
  body: Uint8Array,
): { method: Method; request: unknown } | undefined {
  const at = url.indexOf("?");
  const place = router(at < 0 ? url : url.slice(0, at));
  const route = place?.routes.get(verb);
  if (!place || !route) return undefined;
  const { method, rule } = route;
  const parts = { parameters: place.parameters, query: at < 0 ? "" : url.slice(at + 1), body };
  return { method, request: readRequest({ rule, input: method.input, codec: json.codec(method.input) }, parts) };
}

const requests = [
  "GET /shelves/x/books?limit=5&above=9&genre=GENRE_CRIME&tags=a&author.name=K&lent=true&rating=0.5 */*\n",
  'PATCH /shelves/x/tags?limit=1 text/html, application/json;q=0.5\n["a","b"]',
  'PATCH /books/7/author/K */*\n{"author":{"country":"DE"},"title":"t","labels":{"a":"b"}}',
  'PUT /books/a%2Fb */*\n{"title":"Emil","isbn":"9783791530123","genre":1}',
  "POST /books/7:lend */*\n{}",
  'POST /test.library.v1.Library/Plain */*\n{"since":"2026-01-31T12:00:00Z","cover":"AQI=","__proto__":{"a":1}}',
];
const events = Buffer.concat([
  writeEvent('{"id":"7"}'),
  writeEvent("{}", "end"),
  writeEvent('{"code":"ABORTED"}', "problem"),
]);
const maxEventBytes = 1000;

/** Requests, as a line of verb, path and accepted types with a body behind it, and streams of events. */
export const target: FuzzTarget = {
  seeds: [...requests.map((one) => Buffer.from(one)), events],
  feed: (bytes) => {
    try {
      for (const { data } of eventReader(maxEventBytes)(bytes))
        if (data.length > maxEventBytes + 5000) throw new Error("too long");
      const end = bytes.indexOf(10);
      const line = Buffer.from(bytes.subarray(0, Math.max(0, end))).toString("latin1");
      const [verb = "", url = "", ...accept] = line.split(" ");
      accepts(accept.join(" "), "application/json");
      return received(verb, url, bytes.subarray(end + 1)) !== undefined;
    } catch (error) {
      if (error instanceof StatusError && /^(INVALID_ARGUMENT|RESOURCE_EXHAUSTED)$/.test(error.code)) return false;
      throw error;
    }
  },
};
