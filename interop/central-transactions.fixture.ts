// Two services, of which each books on its side what one transaction changes on both.
import { existsSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import {
  type Database,
  defineService,
  type Initiator,
  initiates,
  type Store,
  store,
  type TransactionHandle,
} from "@mortise/kernel";
import {
  bool,
  Empty,
  field,
  int32,
  message,
  operation,
  operations,
  repeated,
  rpc,
  service,
  string,
  transaction,
} from "@mortise/kernel/contract";

const Booking = message("central.v1.Booking", { id: string(1), held: bool(2) });
const booked = operation(Booking, Empty, { undo: true, rejects: ["TAKEN"] });
const Left = operations("central.v1.Left", { book: booked });
const Right = operations("central.v1.Right", {
  book: booked,
  /** Once it is stamped it stays so: no undo. */
  stamp: operation(Booking, Empty, { rejects: ["STAMPED"] }),
});

/** Any strategy that answers with the outcome may drive it. */
export const bookBoth = transaction("bookBoth", {
  input: Booking,
  needs: { isolation: "none", reply: "final" },
  plan: (plan) =>
    plan
      .step("left", Left.operations.book, (input) => input)
      .step("right", Right.operations.book, (input) => ({ ...input, held: false })),
});

/** A saga about it would be dishonest. */
export const stampBoth = transaction("stampBoth", {
  input: Booking,
  needs: { isolation: "none", reply: "final" },
  plan: (plan) =>
    plan
      .step("left", Left.operations.book, (input) => input)
      .step("right", Right.operations.stamp, (input) => ({ ...input, held: false })),
});

const Outcome = message("central.v1.Outcome", { gid: string(1), status: string(2), begun: int32(3) });
const Count = message("central.v1.Count", { atLeast: int32(1) });
const Work = message("central.v1.Work", { outcomes: repeated(field(1, Outcome)) });
const Desk = service("central.v1.Desk", {
  run: rpc(Booking, Outcome),
  /** Begins to book, one after the other on three lines, and answers when so many are booked. */
  work: rpc(Count, Empty),
  /** Waits for so many more, and ends it; tells of all in the order in which they were begun. */
  rest: rpc(Count, Work),
});
const Till = service("central.v1.Till", { ping: rpc(Empty, Empty) });

async function opened(from: Store, name: string): Promise<Database> {
  const database = await from.database(name);
  await database.sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(42)`;
    await tx`create table if not exists booking (id text primary key, final boolean not null)`;
  });
  return database;
}

interface Held {
  readonly id: string;
  readonly held: boolean;
}
type Handle = Pick<TransactionHandle, "sql">;

/** Those that are held wait beside a file until there is another one. */
const booking = {
  async reserve({ sql }: Handle, { id, held }: Held) {
    if (held) {
      writeFileSync(`held-${id}`, "");
      while (!existsSync("let-go")) await setTimeout(20);
    }
    await sql`insert into booking values (${id}, false)`;
    return {};
  },
  confirm: async ({ sql }: Handle, { id }: Held) => void (await sql`update booking set final = true where id = ${id}`),
  cancel: async ({ sql }: Handle, { id }: Held) => void (await sql`delete from booking where id = ${id}`),
  undo: async ({ sql }: Handle, { id }: Held) => void (await sql`delete from booking where id = ${id}`),
};

type Told = { readonly gid: string; readonly status: string; readonly begun: number };

/** Books until it is told to end. */
function clerks(both: Initiator<typeof bookBoth>) {
  const outcomes: Told[] = [];
  let over = false;
  let begun = 0;
  let lines: Promise<void>[] = [];
  const line = async () => {
    while (!over) {
      const number = begun++;
      const { gid, status } = await both.run({ id: `${process.pid}-${number}`, held: false });
      outcomes.push({ gid, status, begun: number });
      await setTimeout(5);
    }
  };
  const booked = async (count: number) => {
    while (outcomes.length < count) await Promise.race([Promise.all(lines), setTimeout(20)]);
  };
  return {
    begin(count: number) {
      lines = [line(), line(), line()];
      return booked(count);
    },
    async end(count: number) {
      await booked(outcomes.length + count);
      over = true;
      await Promise.all(lines);
      return outcomes.sort((a, b) => a.begun - b.begun);
    },
  };
}

export const desk = defineService(Desk, {
  name: "desk",
  description: "Begins transactions and books on the left",
  needs: { store, both: initiates(bookBoth), stamped: initiates(stampBoth) },
  operations: Left,
  setup: async ({ deps }) => {
    const database = await opened(deps.store, "left_side");
    const working = clerks(deps.both);
    return {
      perform: { on: database, operations: { book: booking } },
      handlers: {
        run: async (input, call) => {
          const { gid, status } = await deps.both.run(input, { context: call });
          return { gid, status, begun: 0 };
        },
        work: async ({ atLeast }) => {
          await working.begin(atLeast);
          return {};
        },
        rest: async ({ atLeast }) => ({ outcomes: await working.end(atLeast) }),
      },
    };
  },
});

export const till = defineService(Till, {
  name: "till",
  description: "Books on the right",
  needs: { store },
  operations: Right,
  setup: async ({ deps }) => {
    const database = await opened(deps.store, "right_side");
    const { reserve, confirm, cancel } = booking;
    return {
      perform: { on: database, operations: { book: booking, stamp: { reserve, confirm, cancel } } },
      handlers: { ping: async () => ({}) },
    };
  },
});
