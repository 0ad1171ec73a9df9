import { defineService, type Infer, type Plugin, StatusError } from "@mortise/kernel";
import {
  bool,
  bytes,
  double,
  Empty,
  enumeration,
  field,
  float,
  int32,
  int64,
  type MessageType,
  map,
  message,
  optional,
  repeated,
  rpc,
  service,
  string,
  timestamp,
} from "@mortise/kernel/contract";

const pack = "mortise.interop.v1";

export const Color = enumeration(`${pack}.Color`, { UNSPECIFIED: 0, RED: 1, GREEN: 2 });
export const Address = message(`${pack}.Address`, { street: string(1), number: int32(2) });

/** Written down because a message that holds itself cannot be inferred. */
export interface ParcelValue {
  readonly text: string;
  readonly count: number;
  readonly weight: bigint;
  readonly share: number;
  readonly ratio: number;
  readonly fragile: boolean;
  readonly price?: string | undefined;
  readonly sent?: Infer<typeof Sent>["sent"];
  readonly data: Uint8Array;
  readonly color: 0 | 1 | 2;
  readonly address?: Infer<typeof Address> | undefined;
  readonly tags: readonly string[];
  readonly labels: ReadonlyMap<string, number>;
  readonly stops: readonly Infer<typeof Address>[];
  readonly places: ReadonlyMap<string, Infer<typeof Address>>;
  readonly inner?: ParcelValue | undefined;
  readonly note?: string | undefined;
  readonly rank?: number | undefined;
  readonly serial?: bigint | undefined;
}

const Sent = message(`${pack}.Sent`, { sent: timestamp(1) });

/** com.example.interop.Parcel: one field of every kind. */
export const Parcel: MessageType<ParcelValue> = message(`${pack}.Parcel`, {
  text: string(1),
  count: int32(2),
  weight: int64(3),
  share: double(4),
  ratio: float(5),
  fragile: bool(6),
  price: optional(string(7)),
  sent: timestamp(8),
  data: bytes(9),
  color: field(10, Color),
  address: field(11, Address),
  tags: repeated(string(12)),
  labels: map("string", int32(13)),
  stops: repeated(field(14, Address)),
  places: map("string", field(15, Address)),
  inner: field(16, () => Parcel),
  note: optional(string(17)),
  rank: optional(int32(18)),
  serial: optional(int64(19)),
});

const Join = message(`${pack}.Join`, {
  text: optional(string(1)),
  count: int32(2),
  weight: int64(3),
  share: double(4),
  fragile: bool(5),
  price: optional(string(6)),
  sent: timestamp(7),
  tags: repeated(string(8)),
  labels: map("string", int32(9)),
  color: field(10, Color),
  address: field(11, Address),
});
const Text = message(`${pack}.Text`, { text: string(1) });
const Size = message(`${pack}.Size`, { size: int32(1) });
const Data = message(`${pack}.Data`, { data: bytes(1) });
const Kind = message(`${pack}.Kind`, { kind: string(1) });
const Pause = message(`${pack}.Pause`, { ms: int32(1) });
const Attachments = message(`${pack}.Attachments`, { attachments: map("string", string(1)) });

/** The Java interface com.example.interop.Exchange as a contract. */
export const Exchange = service(`${pack}.Exchange`, {
  echo: rpc(Parcel, Parcel, { idempotent: true }),
  join: rpc(Join, Text),
  data: rpc(Size, Data),
  size: rpc(Data, Size),
  fail: rpc(Kind, Empty),
  sleep: rpc(Pause, Pause),
  attachments: rpc(Empty, Attachments),
  nothing: rpc(Empty, Empty),
  nothings: rpc(Empty, Size),
  name: rpc(Empty, Text, { idempotent: true }),
});

/** How the contract looks to Java. */
export const javaOptions = {
  "protocol/dubbo": {
    services: {
      [Exchange.name]: {
        interface: "com.example.interop.Exchange",
        arguments: "fields",
        result: "field",
        methods: { echo: { arguments: "message", result: "message" }, nothing: { oneway: true } },
        exceptions: { EXCHANGE: "com.example.interop.ExchangeException" },
      },
    },
  },
  "serializer/hessian2": {
    classNames: Object.fromEntries(
      [Parcel, Address, Color].map(({ name }) => [name, name.replace(pack, "com.example.interop")]),
    ),
    javaTypes: { [`${Parcel.name}.price`]: "java.math.BigDecimal", [`${Join.name}.price`]: "java.math.BigDecimal" },
  },
};

/** What the handlers have seen. */
export interface ExchangeSeen {
  readonly parcels: ParcelValue[];
  readonly cancelled: string[];
  nothings: number;
}

/** Does what com.example.interop.ExchangeService does. */
export function exchangeService(
  name: string,
  seen: ExchangeSeen = { parcels: [], cancelled: [], nothings: 0 },
): Plugin {
  return defineService(Exchange, {
    name: "exchange",
    description: "Answers Dubbo",
    setup: ({ ports }) => ({
      handlers: {
        echo: (parcel) => {
          seen.parcels.push(parcel);
          return parcel;
        },
        join: (join) => ({ text: joined(join) }),
        data: ({ size }) => ({ data: new Uint8Array(size) }),
        size: ({ data }) => ({ size: data.length }),
        fail: ({ kind }) => {
          throw failures[kind]?.() ?? new Error(kind);
        },
        sleep: ({ ms }, call) =>
          new Promise((resolve, reject) => {
            const timer = ports.timers.after(ms, () => resolve({ ms }));
            call.onCancel((reason) => {
              timer.cancel();
              seen.cancelled.push(reason.code);
              reject(reason);
            });
          }),
        attachments: (_, call) => {
          const { incoming } = call;
          const attachments = new Map(incoming.names().map((header) => [header, incoming.get(header) ?? ""]));
          for (const [header, value] of attachments)
            if (header.startsWith("x-")) call.setHeader(`back-${header}`, value);
          return { attachments };
        },
        nothing: () => {
          seen.nothings++;
          return {};
        },
        nothings: () => ({ size: seen.nothings }),
        name: () => ({ text: name }),
      },
    }),
  });
}

const failures: Readonly<Record<string, () => Error>> = {
  business: () =>
    new StatusError("FAILED_PRECONDITION", "no parcel today: ä", { reason: "EXCHANGE", details: { level: "3" } }),
  state: () => new StatusError("FAILED_PRECONDITION", "out of order"),
  denied: () => new StatusError("PERMISSION_DENIED", "not for you"),
  busy: () => new StatusError("RESOURCE_EXHAUSTED", "too many parcels"),
};

/** The arguments in Java's way of writing. */
function joined({
  text,
  count,
  weight,
  share,
  fragile,
  price,
  sent,
  tags,
  labels,
  color,
  address,
}: Infer<typeof Join>) {
  const ms = sent && Number(sent.seconds) * 1000 + sent.nanos / 1e6;
  const names = Object.entries(Color.values).map(([name, number]) => [number, name] as const);
  const entries = [...labels].map(([label, value]) => `${label}=${value}`).sort();
  const parts = [text, count, weight, share, fragile, price, ms, `[${tags.join(", ")}]`, `{${entries.join(", ")}}`];
  const where = address && `{street=String ${address.street}, number=Integer ${address.number}}`;
  return [...parts, new Map(names).get(color), where].map((part) => String(part ?? "null")).join("|");
}
