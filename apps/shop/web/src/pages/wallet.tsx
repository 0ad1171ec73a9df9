import { useState } from "preact/hooks";
import { type Entry, get, type Money, post } from "../api.ts";
import { moment, money, shortId } from "../format.ts";
import { useDoing, useLoaded, useTitle } from "../hooks.ts";
import { Skeleton, Trouble } from "../parts/controls.tsx";
import { Link, place } from "../router.tsx";
import { balance, loadBalance, nextOf, points } from "../session.ts";

interface Page {
  readonly entries: readonly Entry[];
  readonly nextPageToken: string;
}

const amounts = [5000, 10000, 50000];
const kinds: Readonly<Record<Entry["kind"], string>> = {
  WELCOME: "Welcome present",
  TOP_UP: "Top-up",
  CHARGE: "Order",
  REFUND: "Refund",
};

/** What is in the wallet and how it came to be. */
export function WalletPage() {
  useTitle("Wallet");
  const [changes, setChanges] = useState(0);
  const journal = useLoaded(async () => {
    await loadBalance();
    return get<Page>("/wallet/entries", { pageSize: 15 });
  }, [changes]);
  const next = nextOf(place.value.query);
  return (
    <div class="wide narrow">
      {next !== "/" && (
        <nav class="crumbs" aria-label="Where you came from">
          <Link to={next}>Back to your order</Link>
        </nav>
      )}
      <h1 class="page-title">Wallet</h1>
      <section class="wallet" aria-label="Balance">
        <div>
          <p class="wallet-label">You have</p>
          <p class="wallet-balance" aria-live="polite">
            {balance.value ? money(balance.value) : "…"}
          </p>
          {points.value > 0 && (
            <p class="wallet-label">
              and {points.value} {points.value === 1 ? "point" : "points"} from your orders
            </p>
          )}
        </div>
        <TopUp onDone={() => setChanges(changes + 1)} />
      </section>
      <h2 class="section-title">Journal</h2>
      <Trouble error={journal.error} />
      {journal.data ? (
        <Journal key={journal.data.entries[0]?.id} first={journal.data} />
      ) : (
        !journal.error && <Skeleton class="skeleton-page" />
      )}
    </div>
  );
}

function TopUp({ onDone }: { readonly onDone: () => void }) {
  const [cents, setCents] = useState(amounts[0] ?? 0);
  const [key, setKey] = useState(() => crypto.randomUUID());
  const adding = useDoing(async () => {
    const { balance: now } = await post<{ balance: Money }>("/wallet/top-up", { cents }, key);
    balance.value = now;
    setKey(crypto.randomUUID());
    onDone();
  });
  return (
    <div class="top-up">
      <fieldset class="chips">
        <legend class="unseen">How much to add</legend>
        {amounts.map((amount) => (
          <button
            type="button"
            key={amount}
            class="chip"
            aria-pressed={cents === amount}
            onClick={() => setCents(amount)}
          >
            €{amount / 100}
          </button>
        ))}
      </fieldset>
      <button type="button" class="button button-light" disabled={adding.busy} onClick={() => void adding.run()}>
        Top up
      </button>
      <Trouble error={adding.error} />
    </div>
  );
}

function Journal({ first }: { readonly first: Page }) {
  const [page, setPage] = useState(first);
  const next = useDoing(async () => {
    const more = await get<Page>("/wallet/entries", { pageSize: 15, pageToken: page.nextPageToken });
    setPage({ entries: [...page.entries, ...more.entries], nextPageToken: more.nextPageToken });
  });
  return (
    <>
      <table class="journal">
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">When</th>
            <th scope="col" class="number">
              Amount
            </th>
            <th scope="col" class="number">
              Balance
            </th>
          </tr>
        </thead>
        <tbody>
          {page.entries.map(({ id, kind, amount, balance: after, orderId, at }) => (
            <tr key={id}>
              <td>
                {kinds[kind]}
                {orderId && (
                  <>
                    {" "}
                    <Link to={`/orders/${orderId}`}>{shortId(orderId)}</Link>
                  </>
                )}
              </td>
              <td class="soft">{moment(at)}</td>
              <td class={amount.cents < 0 ? "number" : "number plus"}>
                {amount.cents > 0 && "+"}
                {money(amount)}
              </td>
              <td class="number soft">{money(after)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {page.nextPageToken && (
        <div class="more">
          <button type="button" class="button button-plain" disabled={next.busy} onClick={() => void next.run()}>
            Show older entries
          </button>
        </div>
      )}
      <Trouble error={next.error} />
    </>
  );
}
