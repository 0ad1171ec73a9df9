import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Refused } from "./api.ts";
import { askToLogIn } from "./session.ts";

export interface Loaded<T> {
  readonly data: T | undefined;
  readonly error: Refused | undefined;
  readonly loading: boolean;
  set(data: T): void;
}

/** Loads when `keys` change; answers that come late are dropped. What was there stays until the new is. */
export function useLoaded<T>(load: () => Promise<T>, keys: readonly unknown[]): Loaded<T> {
  const [data, setData] = useState<T>();
  const [error, setError] = useState<Refused>();
  const [loading, setLoading] = useState(true);
  useEffect(() => {
    let wanted = true;
    setLoading(true);
    load()
      .then((value) => {
        if (!wanted) return;
        setData(() => value);
        setError(undefined);
      })
      .catch((reason: unknown) => {
        if (wanted && !askToLogIn(reason)) setError(asRefused(reason));
      })
      .finally(() => {
        if (wanted) setLoading(false);
      });
    return () => {
      wanted = false;
    };
  }, keys);
  return { data, error, loading, set: (value) => setData(() => value) };
}

export interface Doing {
  readonly busy: boolean;
  readonly error: Refused | undefined;
  run(): Promise<void>;
}

/** Does something once at a time and keeps what went wrong. */
export function useDoing(work: () => Promise<void>): Doing {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Refused>();
  const run = async () => {
    if (busy) return;
    setBusy(true);
    setError(undefined);
    try {
      await work();
    } catch (reason) {
      if (!askToLogIn(reason)) setError(asRefused(reason));
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, run };
}

/** Follows server-sent events of one name until they end. */
export function useEvents<T>(url: string | undefined, event: string, onValue: (value: T) => void): void {
  const latest = useRef(onValue);
  latest.current = onValue;
  useEffect(() => {
    if (!url) return;
    const source = new EventSource(url);
    source.addEventListener(event, (message) => latest.current(JSON.parse(message.data) as T));
    source.addEventListener("end", () => source.close());
    source.addEventListener("problem", () => source.close());
    return () => source.close();
  }, [url, event]);
}

/** What time it is, in milliseconds; told again every second. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** The key under which something is asked for; it stays until `renew`, so that asking twice takes effect once. */
export function useKey(keys: readonly unknown[] = []): { readonly key: string; renew(): void } {
  const [round, setRound] = useState(0);
  const key = useMemo(() => crypto.randomUUID(), [...keys, round]);
  return { key, renew: () => setRound(round + 1) };
}

/** Names the page for the browser's tab and for screen readers. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === "" ? "Tenon" : `${title} · Tenon`;
  }, [title]);
}

function asRefused(reason: unknown): Refused {
  return reason instanceof Refused ? reason : new Refused(0, { detail: String(reason) });
}
