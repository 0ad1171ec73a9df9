/** What came back, its JSON read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Tests look into answers of every shape and assert what they find.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly body: any;
}

/** A browser without a window: keeps cookies, sends and reads JSON. */
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

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.send("GET", path, undefined, headers);
  }

  post(path: string, body: unknown = {}, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.send("POST", path, JSON.stringify(body), { "content-type": "application/json", ...headers });
  }

  /** Places an order under a new key, or under `key`. */
  order(items: Readonly<Record<string, number>>, key: string = crypto.randomUUID()): Promise<Answer> {
    const lines = Object.entries(items).map(([sku, quantity]) => ({ sku, quantity }));
    return this.post("/api/orders", { items: lines }, { "idempotency-key": key });
  }

  /** Opens an account nobody else has. */
  async register(name = "Ada"): Promise<Answer> {
    const email = `${name.toLowerCase().replaceAll(" ", "")}.${crypto.randomUUID()}@example.org`;
    return this.post("/api/register", { name, email, password: "correct horse" });
  }

  async balance(): Promise<number> {
    return (await this.get("/api/wallet")).body.balance.cents;
  }

  async send(
    method: string,
    path: string,
    body?: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const cookie = this.#cookie ? { cookie: this.#cookie } : {};
    const init = { method, headers: { ...cookie, ...headers }, ...(body !== undefined && { body }) };
    const response = await fetch(`${this.#url}${path}`, init);
    const [set] = response.headers.getSetCookie();
    if (set) this.#cookie = set.split(";")[0] ?? "";
    const text = await response.text();
    const json = response.headers.get("content-type")?.includes("json");
    return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
  }
}
