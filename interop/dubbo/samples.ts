import { Color, type ParcelValue } from "./exchange.ts";

const elm = { street: "Elm", number: 1 };

/** The same as Parcel.empty() of Java. */
export const empty: ParcelValue = {
  text: "",
  count: 0,
  weight: 0n,
  share: 0,
  ratio: 0,
  fragile: false,
  price: "0",
  data: new Uint8Array(),
  color: Color.UNSPECIFIED,
  tags: [],
  labels: new Map(),
  stops: [],
  places: new Map(),
};

/** The same as Parcel.full() of Java. */
export const full: ParcelValue = {
  text: "Grüße, 世界 😀",
  count: -123_456_789,
  weight: 9_223_372_036_854_775_806n,
  share: 0.1,
  ratio: 1.5,
  fragile: true,
  price: "12345678901234567890.0123456789",
  sent: { seconds: 1_700_000_000n, nanos: 123_000_000 },
  data: Uint8Array.of(0, 1, 255, 127, 128),
  color: Color.GREEN,
  address: { street: "Main Street", number: 7 },
  tags: ["a", "", "a"],
  labels: new Map([
    ["one", 1],
    ["minus", -1],
    ["big", 2_147_483_647],
  ]),
  stops: [elm, { street: "Oak", number: 2 }],
  places: new Map([["home", elm]]),
  inner: empty,
  note: "there",
  rank: 0,
  serial: 5n,
};

/** What Exchange.join makes of it. */
export const joined =
  "Grüße, 世界 😀|-123456789|9223372036854775806|0.1|true|12345678901234567890.0123456789|1700000000123|[a, , a]|" +
  "{big=2147483647, minus=-1, one=1}|GREEN|{street=String Main Street, number=Integer 7}";

/** What is left out and what is undefined is the same. */
export const shown = ({ inner, ...parcel }: ParcelValue): unknown => ({
  ...Object.fromEntries(Object.entries(parcel).filter(([, value]) => value !== undefined)),
  labels: Object.fromEntries(parcel.labels),
  ...(inner && { inner: shown(inner) }),
});
