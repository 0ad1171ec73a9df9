import { systemPorts } from "@mortise/kernel";
import type { TraceJson } from "./smoke-trace.ts";

interface MoneyJson {
  readonly cents: number;
  readonly currency: string;
}

/** An order as the gateway tells of it. */
export interface OrderJson {
  readonly id: string;
  readonly status: string;
  readonly cancelReason: string;
  readonly traceId: string;
  readonly paymentTraceId: string;
  readonly total: MoneyJson;
  /** The code it was bought with; empty for none. */
  readonly coupon: string;
  readonly discount: MoneyJson;
  /** Of orders that are paid later. */
  readonly payBy?: string;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
  readonly steps: readonly { readonly status: string }[];
}

/** What an answer may hold: whatever was asked for is there, the rest is not, and nothing here says which. */
export interface Body extends OrderJson, TraceJson {
  readonly email: string;
  readonly sku: string;
  readonly price: MoneyJson;
  readonly balance: MoneyJson;
  readonly products: readonly { readonly sku: string; readonly price: MoneyJson }[];
  readonly categories: readonly unknown[];
  readonly levels: readonly { readonly sku: string; readonly onHand: number; readonly frozen: number }[];
  readonly orders: readonly OrderJson[];
  readonly entries: readonly { readonly kind: string }[];
  readonly coupons: readonly { readonly code: string; readonly used: boolean }[];
  readonly nextPageToken: string;
  readonly reason: string;
  readonly detail: string;
  readonly details: Readonly<Record<string, string>>;
  readonly errors: Readonly<Record<string, string>>;
}

/** What came back; `text` is the body as it was, `body` the same read as JSON, and empty where it is none. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Body;
}

type HeaderRecord = Readonly<Record<string, string>>;

/** A browser without a window: keeps its cookie, sends and reads JSON. */
export class Browser {
  readonly #url: string;
  #cookie: string;

  constructor(url: string, cookie = "") {
    this.#url = url;
    this.#cookie = cookie;
  }

  get cookie(): string {
    return this.#cookie;
  }

  get(path: string, headers: HeaderRecord = {}): Promise<Answer> {
    return this.send("GET", path, undefined, headers);
  }

  post(path: string, body: unknown = {}, headers: HeaderRecord = {}): Promise<Answer> {
    return this.send("POST", path, JSON.stringify(body), { "content-type": "application/json", ...headers });
  }

  /** Places an order under a new key, or under `key`, and pays it. */
  order(items: Readonly<Record<string, number>>, key: string = systemPorts.ids.uuid(), coupon = ""): Promise<Answer> {
    return this.post("/api/orders", { items: linesOf(items), coupon }, { "idempotency-key": key });
  }

  /** Places an order that is to be paid later. */
  orderUnpaid(
    items: Readonly<Record<string, number>>,
    key: string = systemPorts.ids.uuid(),
    coupon = "",
  ): Promise<Answer> {
    return this.post("/api/orders", { items: linesOf(items), coupon, pay: "later" }, { "idempotency-key": key });
  }

  /** Pays such an order. */
  pay(id: string, key: string = systemPorts.ids.uuid()): Promise<Answer> {
    return this.post(`/api/orders/${id}/pay`, {}, { "idempotency-key": key });
  }

  /** Opens an account nobody else has. Throws what the shop said if it does not. */
  async register(name = "Ada"): Promise<Answer> {
    const email = `${name.toLowerCase().replaceAll(" ", "")}.${systemPorts.ids.hex(6)}@example.org`;
    const answer = await this.post("/api/register", { name, email, password: "correct horse" });
    if (answer.status !== 201) throw new Error(`registering failed: ${answer.text}`);
    return answer;
  }

  /** What is in the wallet, in cents. */
  async balance(): Promise<number> {
    return (await this.get("/api/wallet")).body.balance.cents;
  }

  async send(method: string, path: string, body?: string, headers: HeaderRecord = {}): Promise<Answer> {
    const cookie = this.#cookie ? { cookie: this.#cookie } : {};
    const init = { method, headers: { ...cookie, ...headers }, ...(body !== undefined && { body }) };
    const response = await fetch(`${this.#url}${path}`, init);
    const [set] = response.headers.getSetCookie();
    if (set) this.#cookie = set.split(";")[0] ?? "";
    const text = await response.text();
    const json = response.headers.get("content-type")?.includes("json");
    return { status: response.status, headers: response.headers, text, body: (json ? JSON.parse(text) : {}) as Body };
  }
}

function linesOf(items: Readonly<Record<string, number>>) {
  return Object.entries(items).map(([sku, quantity]) => ({ sku, quantity }));
}
