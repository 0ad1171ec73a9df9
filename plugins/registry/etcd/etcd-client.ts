import { type Ports, StatusError, statusName } from "@mortise/kernel";

export interface EtcdAccess {
  /** Addresses of the members of one cluster: `http://host:2379`, `https://…` for TLS. */
  readonly urls: readonly string[];
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** How long a request may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** What etcd answers, read by who asked. Numbers of 64 bits are strings. */
export type EtcdReply = Readonly<Record<string, unknown>>;

/** Talks to etcd through the JSON gateway of its API v3. Everything throws a StatusError. */
export interface EtcdClient {
  call(path: string, body: unknown): Promise<EtcdReply>;
  /** Gives answers until the signal is aborted; throws when the connection ends or etcd ends the stream. */
  stream(path: string, body: unknown, signal: AbortSignal): AsyncIterable<EtcdReply>;
  /** Logs in anew before the next request. */
  forgetToken(): void;
}

export function etcdClient(access: EtcdAccess, { timers }: Pick<Ports, "timers">): EtcdClient {
  const { urls, user, password = "", timeoutMs } = access;
  let member = 0;
  let token: Promise<string> | undefined;

  /** One request to the member that answered last; the next request goes to the next one if this one cannot be reached. */
  async function send(path: string, body: unknown, signal: AbortSignal, authorization?: string): Promise<Response> {
    const at = member;
    const url = `${urls[at % urls.length]}`.replace(/\/+$/, "");
    const headers = { "content-type": "application/json", ...(authorization !== undefined && { authorization }) };
    try {
      const response = await fetch(`${url}/v3/${path}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
        signal,
      });
      if (!response.ok) throw refusal(response.status, await response.text());
      return response;
    } catch (cause) {
      if (cause instanceof StatusError && cause.code !== "UNAVAILABLE") throw cause;
      if (member === at) member++;
      throw cause instanceof StatusError ? cause : new StatusError("UNAVAILABLE", `etcd at ${url} is away`, { cause });
    }
  }

  async function inTime<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const ending = new AbortController();
    const timer = timers.after(timeoutMs, () => ending.abort());
    try {
      return await work(ending.signal);
    } catch (cause) {
      if (cause instanceof StatusError) throw cause;
      throw new StatusError("UNAVAILABLE", "etcd broke off in the middle of an answer", { cause });
    } finally {
      timer.cancel();
    }
  }

  const askOnce = (path: string, body: unknown, authorization?: string) =>
    inTime(async (signal) => (await (await send(path, body, signal, authorization)).json()) as EtcdReply);

  async function logIn(): Promise<string> {
    const reply = await askOnce("auth/authenticate", { name: user, password });
    return String(reply.token);
  }

  /** The token to send along; logs in at most once at a time. */
  async function currentToken(): Promise<string | undefined> {
    if (user === undefined) return undefined;
    token ??= logIn();
    return token.catch((error: unknown) => {
      token = undefined;
      throw error;
    });
  }

  return {
    async call(path, body) {
      const used = await currentToken();
      try {
        return await askOnce(path, body, used);
      } catch (error) {
        if (used === undefined || !isStale(error)) throw error;
        token = undefined;
        return askOnce(path, body, await currentToken());
      }
    },
    async *stream(path, body, signal) {
      const { body: answers } = await send(path, body, signal, await currentToken());
      if (answers) yield* jsonLines(answers);
      throw new StatusError("UNAVAILABLE", "etcd has ended the stream");
    },
    forgetToken() {
      token = undefined;
    },
  };
}

/** Tokens end after a while, and with every change of users and roles. */
function isStale(error: unknown): boolean {
  return error instanceof StatusError && (error.code === "UNAUTHENTICATED" || error.message.includes("auth store"));
}

function refusal(status: number, text: string): StatusError {
  const { code, message } = objectOf(text);
  const said = typeof message === "string" ? message : `etcd answers with HTTP ${status}`;
  const name = typeof code === "number" ? statusName(code) : "UNAVAILABLE";
  return new StatusError(name === "OK" ? "UNKNOWN" : name, said);
}

function objectOf(text: string): EtcdReply {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as EtcdReply) : {};
  } catch {
    return {};
  }
}

async function* jsonLines(chunks: ReadableStream<Uint8Array>): AsyncIterable<EtcdReply> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield resultOf(objectOf(line));
  }
}

function resultOf({ result, error }: EtcdReply): EtcdReply {
  if (typeof result === "object" && result !== null) return result as EtcdReply;
  throw new StatusError("UNAVAILABLE", `etcd ends the stream: ${JSON.stringify(error)}`);
}
