/** Money as the gateway gives it: whole cents. */
export interface Money {
  readonly cents: number;
  readonly currency: string;
}

export interface Account {
  readonly id: string;
  readonly email: string;
  readonly name: string;
}

export interface Product {
  readonly sku: string;
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly category: string;
  readonly price: Money;
  readonly image: string;
  readonly available: number;
}

export interface ProductPage {
  readonly products: readonly Product[];
  readonly nextPageToken: string;
  readonly total: number;
}

export interface Category {
  readonly name: string;
  readonly products: number;
}

export interface StockLevel {
  readonly sku: string;
  readonly onHand: number;
  readonly frozen: number;
}

export type OrderStatus = "PENDING" | "AWAITING_PAYMENT" | "PAID" | "COMPLETED" | "CANCELLING" | "CANCELLED";

export interface OrderLine {
  readonly sku: string;
  readonly name: string;
  readonly image: string;
  readonly quantity: number;
  readonly unitPrice: Money;
}

export interface Order {
  readonly id: string;
  readonly status: OrderStatus;
  readonly cancelReason: string;
  /** Of the request that placed it. */
  readonly traceId: string;
  /** Of the request that paid it later; empty for none. */
  readonly paymentTraceId: string;
  readonly total: Money;
  /** Empty for none. */
  readonly coupon: string;
  readonly discount: Money;
  readonly createdAt: string;
  /** Until when it is to be paid; of orders that are paid later. */
  readonly payBy?: string;
  readonly lines: readonly OrderLine[];
  readonly steps: readonly { readonly status: OrderStatus; readonly at: string }[];
}

export interface Coupon {
  readonly code: string;
  readonly title: string;
  readonly percent: number;
  readonly minimum: Money;
  readonly used: boolean;
}

export interface Entry {
  readonly id: string;
  readonly kind: "WELCOME" | "TOP_UP" | "CHARGE" | "REFUND";
  readonly amount: Money;
  readonly balance: Money;
  readonly orderId: string;
  readonly at: string;
}

/** An answer that says no, or no answer at all. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly status: number;
  readonly reason: string;
  readonly details: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, string>>;
  readonly traceId: string;

  constructor(status: number, problem: ProblemBody) {
    super(wordsOf(problem));
    this.status = status;
    this.reason = problem.reason ?? "";
    this.details = problem.details ?? {};
    this.fields = problem.errors ?? {};
    this.traceId = problem.traceId ?? "";
  }
}

/** What a customer is told, who knows of no keys. */
function wordsOf({ code, detail, details }: ProblemBody): string {
  if (details?.repeat === "same-key") return "We are still at it. Press again in a moment; nothing is done twice.";
  if (code === "ABORTED" && details?.repeat === "new-key")
    return "This was interrupted, and nothing was taken. Please try again.";
  return detail ?? "The shop does not answer. Please try again.";
}

/** The shop has said no for good: the same may be asked again under a new key only. */
export function isFinalNo(error: unknown): boolean {
  return error instanceof Refused && error.status >= 400 && error.status < 500;
}

interface ProblemBody {
  readonly code?: string;
  readonly detail?: string;
  readonly reason?: string;
  readonly details?: Readonly<Record<string, string>>;
  readonly errors?: Readonly<Record<string, string>>;
  readonly traceId?: string;
}

type Query = Readonly<Record<string, string | number | boolean>>;

/** Asks the gateway. Rejects with {@link Refused}. */
export function get<T>(path: string, query: Query = {}): Promise<T> {
  const asked = Object.entries(query).filter(([, value]) => value !== "" && value !== 0 && value !== false);
  const search = new URLSearchParams(asked.map(([name, value]) => [name, String(value)])).toString();
  return send<T>("GET", search ? `${path}?${search}` : path);
}

/** Sends something to the gateway; with a `key` it may be repeated and takes effect once. */
export function post<T>(path: string, body: unknown = {}, key?: string): Promise<T> {
  return send<T>("POST", path, body, key);
}

async function send<T>(method: string, path: string, body?: unknown, key?: string): Promise<T> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (key) headers["idempotency-key"] = key;
  const init: RequestInit = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
  const response = await fetch(`/api${path}`, init).catch(() => undefined);
  if (!response) throw new Refused(0, {});
  const text = await response.text();
  if (!response.ok) throw new Refused(response.status, parse<ProblemBody>(text) ?? {});
  return parse<T>(text) as T;
}

function parse<T>(text: string): T | undefined {
  try {
    return text === "" ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}
