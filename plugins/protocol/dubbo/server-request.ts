import type { Buffer } from "node:buffer";
import { type CallContext, contextFromHeaders, noMetadata, type Ports, StatusError } from "@mortise/kernel";
import { headersOf, textAttachment, timeoutOf } from "./attachments.ts";
import { generalized, genericCall, isGeneric } from "./generic.ts";
import { malformedBody } from "./headers.ts";
import { type DubboRequest, readRequest, takesReplyAttachments } from "./hessian-body.ts";
import { isLean, maxNumbers, readRequestHead } from "./lean.ts";
import { subtypeOf } from "./serials.ts";
import type { Codecs, JavaService, Offered, Served, ServedJava } from "./served.ts";
import { type Dialect, hessianDialect, leanDialect, plainDialect } from "./server-dialect.ts";

/** A request that was understood. */
export interface ServerRequest {
  readonly served: Served;
  readonly message: unknown;
  readonly context: CallContext;
  readonly dialect: Dialect;
}

/** A request that is not handled, and how its caller is told. */
export class Unserved {
  readonly error: unknown;
  readonly dialect: Dialect;

  constructor(error: unknown, dialect: Dialect) {
    this.error = error;
    this.dialect = dialect;
  }
}

export interface RequestSetup {
  readonly ports: Ports;
  readonly bare: (timeoutMs: number | undefined, trace: CallContext["trace"]) => CallContext;
}

/** What a number stands for on one connection. */
interface Numbered {
  readonly path: string;
  offered: Offered | undefined;
  served: Served | undefined;
  serial: number;
  codecs: Codecs | undefined;
  dialect: Dialect;
}

/** Reads the lean requests of one connection, which numbers its methods. */
export class LeanRequests {
  readonly #setup: RequestSetup;
  readonly #numbered: (Numbered | undefined)[] = [];

  constructor(setup: RequestSetup) {
    this.#setup = setup;
  }

  read(bytes: Buffer, start: number, end: number, serial: number, offered: Offered): ServerRequest | Unserved {
    if (!isLean(bytes, start, end)) return new Unserved(notUnderstood(serial), plainDialect);
    let dialect: Dialect | undefined;
    try {
      const head = readRequestHead(bytes, start, end);
      const numbered = this.#named(head.number, head.path);
      if (numbered.offered !== offered || numbered.serial !== serial || head.serializer !== undefined) {
        resolve(numbered, offered, serial, head.serializer);
      }
      dialect = numbered.dialect;
      const { served, codecs } = numbered;
      if (!served) throw notOffered(numbered.path);
      if (!codecs)
        throw unknownSerializer(head.serializer ?? subtypeOf(serial) ?? `id ${serial}`, numbered.path, offered);
      const { headers, timeoutMs, trace } = head;
      const message = codecs.input.decode(bytes, head.message, end);
      const context =
        headers === noMetadata
          ? this.#setup.bare(timeoutMs, trace)
          : contextFromHeaders(headers, this.#setup.ports, timeoutMs);
      return { served, message, context, dialect };
    } catch (error) {
      return new Unserved(error, dialect ?? leanDialect(serial));
    }
  }

  #named(number: number, path: string | undefined): Numbered {
    if (path === undefined) {
      const known = this.#numbered[number];
      if (known) return known;
      throw malformedBody("it names a method by a number that stands for none");
    }
    const known = this.#numbered[number];
    if (known?.path === path) return known;
    const named: Numbered = {
      path,
      offered: undefined,
      served: undefined,
      serial: 0,
      codecs: undefined,
      dialect: leanDialect(0),
    };
    if (number >= maxNumbers) throw malformedBody("it numbers too many methods");
    if (number >= 0) this.#numbered[number] = named;
    return named;
  }
}

function resolve(numbered: Numbered, offered: Offered, serial: number, serializer: string | undefined): void {
  const served = offered.byPath.get(numbered.path);
  const codecs = served?.codecs.get(serializer ?? subtypeOf(serial) ?? "");
  numbered.offered = offered;
  numbered.served = served;
  numbered.serial = serializer === undefined ? serial : -1; // a name is looked up every time
  numbered.codecs = codecs;
  numbered.dialect = leanDialect(serial, codecs?.output);
}

/** For peers that are no Mortise processes, in words that every Dubbo can read. */
function notUnderstood(serial: number): StatusError {
  return malformedBody(
    `a request with serialization ${serial} is understood of Mortise processes only; ask with serialization=hessian2`,
  );
}

function notOffered(path: string): StatusError {
  return new StatusError("UNIMPLEMENTED", `${path} is not offered here`);
}

function unknownSerializer(subtype: string, path: string, { serializers }: Offered): StatusError {
  const offers = serializers.join(", ");
  return new StatusError("UNIMPLEMENTED", `${path} is not offered with the serializer "${subtype}" (${offers})`);
}

/** What a request of Dubbo 2 asks for that needs no handler. */
export class Echoed {
  readonly dialect: Dialect;

  constructor(dialect: Dialect) {
    this.dialect = dialect;
  }
}

const noExceptions = Object.freeze({});

/** Reads a request of Dubbo 2. */
export function readDubbo(
  bytes: Buffer,
  start: number,
  end: number,
  offered: Offered,
  { ports }: RequestSetup,
): ServerRequest | Unserved | Echoed {
  try {
    const request = readRequest(bytes, start, end);
    const attach = takesReplyAttachments(request.dubbo);
    const service = serviceFor(request, offered);
    if (request.method === "$echo")
      return new Echoed(hessianDialect(() => request.values[0] ?? null, noExceptions, attach));
    const generic = isGeneric(request.method) ? genericCall(request.values) : undefined;
    const { method, descriptor, values } = generic ?? request;
    const served = methodFor(service, method, descriptor, values.length, request.path);
    const { java } = served;
    const resultOf = generic ? (response: unknown) => generalized(java.toResult(response)) : java.toResult;
    const context = contextFromHeaders(headersOf(request.attachments), ports, timeoutOf(request.attachments));
    const dialect = hessianDialect(resultOf, java.exceptions, attach);
    return { served, message: java.fromArguments(values), context, dialect };
  } catch (error) {
    return new Unserved(error, plainDialect);
  }
}

function serviceFor({ path, version, attachments }: DubboRequest, { byInterface, serializers }: Offered): JavaService {
  if (byInterface.size === 0) {
    throw new StatusError(
      "UNIMPLEMENTED",
      `nothing is offered here with the serializer "hessian2" (${serializers.join(", ")})`,
    );
  }
  const services = byInterface.get(path) ?? [];
  const group = textAttachment(attachments, "group");
  const wanted = version === "0.0.0" ? "" : version;
  const found = services.find(
    (one) => one.group === group && (one.version === wanted || (one.version === "0.0.0" && wanted === "")),
  );
  if (found) return found;
  const there = services.map((one) => `${one.group === "" ? "" : `${one.group}/`}${path}:${one.version || "0.0.0"}`);
  const asked = `${group === "" ? "" : `${group}/`}${path}:${version}`;
  throw new StatusError(
    "UNIMPLEMENTED",
    `Not found exported service: ${asked} is not offered here${there.length > 0 ? `; there is ${there.join(", ")}` : ""}`,
  );
}

function methodFor(
  { methods }: JavaService,
  name: string,
  descriptor: string | undefined,
  count: number,
  path: string,
): ServedJava {
  const named = methods.get(name) ?? [];
  const exact = named.find(({ java }) => java.descriptor === descriptor);
  const fitting = named.filter(({ java }) => java.parameters.length === count);
  const [only] = fitting;
  const found = exact ?? (fitting.length === 1 ? only : undefined);
  if (found) return found;
  const there = named.map(({ java }) => `${name}(${java.parameters.join(", ")})`).join("; ");
  throw new StatusError(
    "UNIMPLEMENTED",
    `No such method ${name} with the parameters ${descriptor ?? "given"} in ${path}${there === "" ? "" : `; there is ${there}`}`,
  );
}
