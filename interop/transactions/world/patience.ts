import type { Sql } from "postgres";
import { historiesOf, type Request } from "./history.ts";
import { noticesWithin, quickest, roundsWithin, sendingsWithin } from "./limits.ts";
import type { Patience } from "./messages.ts";
import { tooOften } from "./retries.ts";

/** What processes are told about trying again, and where they write down what they do. */
export interface Watched {
  readonly patience: Patience;
  /** Every schedule of best-effort that was in force. */
  readonly schedules: readonly (readonly number[])[];
  readonly historyDir: string;
}

/** Counts what is tried again, by what databases hold and by what processes have written down. */
export interface Retries {
  /** Attempts in the record of a transaction, or in an outbox, that cannot have been made in its time. In words. */
  observe(): Promise<readonly string[]>;
  /** What was asked for or sent too often since the world began, and what was given up too early. In words. */
  audit(): Promise<readonly string[]>;
  /** How many requests of a transaction participants have heard of and not answered yet. */
  unanswered(gid: string, action: string): number;
  /** How much of it processes have written down. */
  seen(): Readonly<Record<Request["what"], number>>;
  /** An operator has done again what was given up: all of it, or that of one transaction. */
  sendAgain(gid?: string): Promise<void>;
}

export function retriesIn(coordinator: Sql, own: Sql, { patience, schedules, historyDir }: Watched): Retries {
  const begunAnew: number[] = [];
  const all = () => historiesOf(historyDir).flat();

  async function recordsOf(): Promise<readonly string[]> {
    const rows = await coordinator<Counted[]>`
      select gid::text, strategy as by, attempts,
        (extract(epoch from coalesce(ended_at, clock_timestamp()) - created_at) * 1000)::float8 as ms
      from mortise_transaction where attempts > 1`;
    return rows.flatMap((row) => {
      const most = row.by === "message" ? sendingsWithin(row.ms, patience) : roundsWithin(row.ms, patience);
      return row.attempts > most ? [inWords(row, `rounds under ${row.by}`, most)] : [];
    });
  }

  async function outboxOf(): Promise<readonly string[]> {
    const rows = await own<Counted[]>`
      select gid || ' ' || branch as gid, kind as by, attempts,
        (extract(epoch from clock_timestamp() - created_at) * 1000)::float8 as ms
      from mortise_outbox where attempts > 1`;
    const schedule = quickest(schedules);
    return rows.flatMap((row) => {
      const isNotice = row.by === "notice";
      const most = isNotice ? noticesWithin(row.ms, schedule, patience) : sendingsWithin(row.ms, patience);
      return row.attempts > most ? [inWords(row, `attempts of a ${row.by}`, most)] : [];
    });
  }

  async function givenUpEarly(): Promise<readonly string[]> {
    const least = 1 + Math.min(...schedules.map(({ length }) => length));
    const rows = await own<{ gid: string; attempts: number }[]>`
      select gid || ' ' || branch as gid, attempts from mortise_outbox where state = 'exhausted' and attempts < ${least}`;
    return rows.map(({ gid, attempts }) => `${gid} was given up after ${attempts} attempts, of at least ${least}`);
  }

  return {
    observe: async () => (await Promise.all([recordsOf(), outboxOf(), givenUpEarly()])).flat(),
    audit: async () => tooOften(historiesOf(historyDir), { patience, schedules, begunAnew }),
    unanswered(gid, action) {
      const same = all().filter((one) => one.what !== "sent" && one.gid === gid && one.action === action);
      const times = (wanted: Request["what"]) => same.filter(({ what }) => what === wanted).length;
      return times("heard") - times("answered");
    },
    seen() {
      const counts = { asked: 0, heard: 0, answered: 0, sent: 0 };
      for (const { what } of all()) counts[what]++;
      return counts;
    },
    async sendAgain(gid) {
      const before = Date.now();
      const rows = await own`
        update mortise_outbox set state = 'ready', attempts = 0, next_at = clock_timestamp()
        where state = 'exhausted' and (${gid ?? null}::uuid is null or gid = ${gid ?? null}::uuid)
        returning 1`;
      if (rows.length > 0) begunAnew.push(before);
    },
  };
}

interface Counted {
  readonly gid: string;
  readonly by: string;
  readonly attempts: number;
  /** How long that took, at most. */
  readonly ms: number;
}

function inWords({ gid, attempts, ms }: Counted, what: string, most: number): string {
  return `${gid} has made ${attempts} ${what} within ${Math.round(ms)} ms, of at most ${most}`;
}
