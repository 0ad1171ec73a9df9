import { signal } from "@preact/signals";
import { type Account, get, type Money, post, Refused } from "./api.ts";
import { navigate } from "./router.tsx";

/** Who is logged in: undefined until the shop has answered, null for nobody. */
export const account = signal<Account | null | undefined>(undefined);

/** What is in the wallet, once it was asked for. */
export const balance = signal<Money | undefined>(undefined);

/** Points earned by orders. */
export const points = signal(0);

export async function loadSession(): Promise<void> {
  try {
    account.value = await get<Account | null>("/me");
    if (account.value) await loadBalance();
  } catch {
    account.value = null;
  }
}

export async function loadBalance(): Promise<void> {
  const wallet = await get<{ balance: Money; points: number }>("/wallet");
  balance.value = wallet.balance;
  points.value = wallet.points;
}

/** Takes over an account that has just logged in or registered. */
export async function welcome(who: Account, next: string): Promise<void> {
  account.value = who;
  navigate(next, { replace: true });
  await loadBalance();
}

export async function logOut(): Promise<void> {
  await post("/logout");
  account.value = null;
  balance.value = undefined;
  points.value = 0;
  navigate("/");
}

/** Sends who is not logged in to the log-in page and back. Gives whether the error was of that kind. */
export function askToLogIn(error: unknown): boolean {
  if (!(error instanceof Refused) || error.status !== 401) return false;
  account.value = null;
  navigate(loginFor(location.pathname), { replace: true });
  return true;
}

export function loginFor(next: string): string {
  return `/login?next=${encodeURIComponent(next)}`;
}

/** Where to go after logging in: a path of this shop, never another site. */
export function nextOf(query: URLSearchParams): string {
  const next = query.get("next") ?? "/";
  return /^\/(?![/\\])/.test(next) ? next : "/";
}
