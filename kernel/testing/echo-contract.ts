import {
  bool,
  bytes,
  double,
  Empty,
  enumeration,
  field,
  int32,
  int64,
  type MessageType,
  map,
  message,
  oneof,
  optional,
  repeated,
  rpc,
  service,
  stream,
  string,
} from "../contract/index.ts";

const pack = "mortise.testing.v1";

export const Mood = enumeration(`${pack}.Mood`, { UNSPECIFIED: 0, GLAD: 1, SAD: 2 });

/** One of every kind of field, so that a serializer has something to lose. */
export const Note: MessageType<EchoNote> = message(`${pack}.Note`, {
  text: string(1),
  number: int64(2),
  share: double(3),
  flag: bool(4),
  data: bytes(5),
  mood: field(6, Mood),
  tags: repeated(string(7)),
  labels: map("string", int32(8)),
  title: optional(string(9)),
  reply: field(10, () => Note),
  body: oneof({ link: string(11), page: int32(12) }),
});

/** Written down because a message that holds itself cannot be inferred. */
export interface EchoNote {
  readonly text: string;
  readonly number: bigint;
  readonly share: number;
  readonly flag: boolean;
  readonly data: Uint8Array;
  readonly mood: number;
  readonly tags: readonly string[];
  readonly labels: ReadonlyMap<string, number>;
  readonly title?: string | undefined;
  readonly reply?: EchoNote | undefined;
  readonly body?:
    | { readonly $case: "link"; readonly value: string }
    | { readonly $case: "page"; readonly value: number }
    | undefined;
}

export const CountRequest = message(`${pack}.CountRequest`, {
  /** How many numbers to send, from 1 on. */
  count: int32(1),
  /** Fail with FAILED_PRECONDITION after this many; 0: not. */
  failAfter: int32(2),
  /** Bytes that go with each number. */
  padding: int32(3),
});
export const Counted = message(`${pack}.Counted`, { number: int32(1), padding: bytes(2) });
export const Sum = message(`${pack}.Sum`, { total: int64(1), count: int32(2) });

/** The error to fail with; `code` is the number gRPC gives it. */
export const FailRequest = message(`${pack}.FailRequest`, {
  code: int32(1),
  message: string(2),
  reason: string(3),
  details: map("string", string(4)),
  retryable: optional(bool(5)),
  /** Throw something that is no StatusError, with `message` in it. */
  bug: bool(6),
});

export const SleepRequest = message(`${pack}.SleepRequest`, { ms: int32(1) });
export const BytesRequest = message(`${pack}.BytesRequest`, { size: int32(1) });
export const Bytes = message(`${pack}.Bytes`, { data: bytes(1) });

/** What the handler knows about the call. */
export const WhoAmI = message(`${pack}.WhoAmI`, {
  /** Milliseconds to the deadline; absent without one. */
  remainingMs: optional(double(1)),
  traceId: string(2),
  spanId: string(3),
  sampled: bool(4),
  traceState: string(5),
  baggage: map("string", string(6)),
  tenant: string(7),
  idempotencyKey: string(8),
  metadata: repeated(field(9, () => Entry)),
});
export const Entry = message(`${pack}.Entry`, { name: string(1), text: string(2), data: bytes(3) });

/** The service that protocols, serializers and whole apps are tested with. */
export const Echo = service(`${pack}.Echo`, {
  echo: rpc(Note, Note, { idempotent: true }),
  count: rpc(CountRequest, stream(Counted), { readOnly: true }),
  sum: rpc(stream(Counted), Sum),
  chat: rpc(stream(Note), stream(Note)),
  fail: rpc(FailRequest, Empty),
  sleep: rpc(SleepRequest, Empty, { idempotent: true }),
  whoami: rpc(Empty, WhoAmI, { readOnly: true }),
  bytes: rpc(BytesRequest, Bytes, { readOnly: true }),
  upload: rpc(Bytes, BytesRequest),
});
