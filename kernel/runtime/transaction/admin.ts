import type { Context } from "../../call/context.ts";
import { codecOf } from "../../contract/codec/codec.ts";
import { redact } from "../../contract/json/redact.ts";
import { TransactionAdmin } from "../../contract/transaction/admin.ts";
import type { SweepRequest } from "../../contract/transaction/participant.ts";
import type { Infer } from "../../contract/types.ts";
import type { Handlers, Offer } from "../../spi/service.ts";
import { actingOn, adminActs, whoOf } from "./admin-acts.ts";
import { adminClosing } from "./admin-closing.ts";
import { checkMeant, nobodyCalled } from "./admin-known.ts";
import { counted, listed } from "./admin-list.ts";
import { reconcile } from "./admin-reconcile.ts";
import { type AdminSetup, type Sight, sightOf } from "./admin-sight.ts";
import { sweepAll } from "./admin-sweep.ts";
import type { Event } from "./admin-view.ts";
import type { Silent } from "./ask-all.ts";
import { retentionMsOf } from "./fence-retention.ts";
import { begunElsewhere, invalid, noTransaction } from "./refusals.ts";

/** What people may do about transactions, as a service of this process. */
export function adminOffer(setup: AdminSetup): Offer {
  return { service: TransactionAdmin, handlers: handlersOf(setup) as unknown as Offer["handlers"] };
}

function handlersOf(setup: AdminSetup): Handlers<typeof TransactionAdmin> {
  const sight = sightOf(setup);
  const acting = actingOn(setup);
  return {
    ...adminViews(setup, sight),
    ...adminActs(setup, sight, acting),
    ...adminClosing(setup, sight, acting),
    ...adminComparing(setup, sight),
  };
}

type Some<Name extends keyof Handlers<typeof TransactionAdmin>> = Pick<Handlers<typeof TransactionAdmin>, Name>;

/** What changes nothing, and tells of transactions. */
function adminViews({ node }: AdminSetup, sight: Sight): Some<"list" | "show" | "input" | "counts" | "export"> {
  const { existing, keeping, viewOf } = sight;
  return {
    list: (query, call) => listed(query, node, keeping(call)),

    async show({ gid }, call) {
      const { summary, branches, events, silent } = await viewOf(gid, call);
      if (!summary && branches.length === 0 && events.length === 0) throw noTransaction(gid);
      return { ...(summary && { summary }), branches, events, silent };
    },

    async input({ gid }, call) {
      const { name, version, input } = await existing(gid, call);
      const transaction = node.initiated.get(name);
      if (!transaction) throw begunElsewhere(name);
      const { input: type } = transaction;
      return { name, version, json: JSON.stringify(redact(type, codecOf(type).decode(input))) };
    },

    counts: (_, call) => counted(keeping(call)),

    async export({ gids }, call) {
      if (gids.length > 100) throw invalid(`${gids.length} transactions at once; at most 100`);
      const events: Event[] = [];
      const silent = new Map<string, Silent>();
      for (const gid of gids) {
        const view = await viewOf(gid, call);
        events.push(...view.events);
        for (const one of view.silent) silent.set(one.participant, one);
      }
      return { events, silent: [...silent.values()] };
    },
  };
}

/** Whether a participant answers that no transaction begun here has; its name may be none at all. */
async function isThere(participant: () => ReturnType<AdminSetup["participant"]>, call: Context): Promise<boolean> {
  const [asked] = await Promise.allSettled([Promise.try(() => participant().manifest({}, call))]);
  return asked.status === "fulfilled";
}

/** What looks at what participants have, whether a transaction asks about it or not. */
function adminComparing({ node, participant }: AdminSetup, sight: Sight): Some<"reconcile" | "sweep"> {
  const { coordinator, knownParticipants } = sight;
  return {
    reconcile: (request, call) =>
      reconcile(request, {
        ...{ coordinator: coordinator(), knownParticipants, retentionMs: retentionMsOf(node.options) },
        checkName: (name) => checkMeant(node, { name, strategy: "" }),
        fencesOf: (name, gids) =>
          participant(name).fences({ gids: [...gids] }, call.with({ timeoutMs: node.options.driveTimeoutMs })),
      }),

    async sweep({ participant: only, by, reason, ...how }, call) {
      const who = how.end ? whoOf({ by, reason }, call) : undefined;
      const known = knownParticipants();
      const asking = call.with({ timeoutMs: node.options.driveTimeoutMs });
      const answers = only === "" || known.includes(only) || (await isThere(() => participant(only), asking));
      if (!answers) throw nobodyCalled(only, known);
      const names = only === "" ? known : [only];
      const sweepAt = (name: string, request: Infer<typeof SweepRequest>) => participant(name).sweep(request, call);
      return sweepAll(names, how, who, { coordinator: coordinator(), sweepAt });
    },
  };
}
