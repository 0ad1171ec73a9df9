import type { LocalOperation } from "../../spi/perform.ts";
import { type Stage, type Tried, tried } from "./stage.ts";
import type { AnySubject } from "./subject.ts";
import { ask, must, same } from "./verdict.ts";

/** A law for one operation and one input. Says whether the input was accepted; throws where the law is broken. */
export interface OperationLaw {
  readonly law: string;
  readonly holds: (stage: Stage, one: Tried, subject: AnySubject) => Promise<boolean>;
  /** Why it says nothing about an operation; nothing where it does. Default: it always does. */
  readonly moot?: (own: LocalOperation, one: Tried["operation"]) => string | undefined;
}

/** What is tried twice: each of the ways an operation can go. */
const ways = [["reserve", "confirm"], ["reserve", "cancel"], ["apply"], ["apply", "undo"]] as const;

export const laws: readonly OperationLaw[] = [
  {
    law: "reserve, then cancel, is nothing",
    async holds(stage, one) {
      const before = await stage.observe();
      if (!(await accepted(stage, one, "reserve"))) return false;
      await must(stage, one, "cancel");
      same(await stage.observe(), before, "cancel does not give back all that reserve took");
      return true;
    },
  },
  {
    law: "reserve, then confirm, is the same as apply",
    moot: ({ apply }, { name }) =>
      apply ? undefined : `${name} has no apply of its own: reserve and confirm run in one`,
    async holds(stage, one) {
      const inTwo = await stage.fork(async (inner) => {
        const reply = await ask(inner, one, "reserve");
        if (reply.outcome !== "done") return { reply, state: await inner.observe() };
        await must(inner, one, "confirm");
        return { reply, state: await inner.observe() };
      });
      const reply = await ask(stage, one, "apply");
      const apply = stage.called(one, "apply");
      same(reply, inTwo.reply, `${apply} answers otherwise than reserve`);
      same(await stage.observe(), inTwo.state, `${apply} leaves another state than reserve, then confirm`);
      return reply.outcome === "done";
    },
  },
  {
    law: "apply, then undo, is nothing, or what is declared",
    moot: (_, { name, facts }) => (facts.undo ? undefined : `${name} is not declared with undo`),
    async holds(stage, one, { undoLeaves }) {
      const before = await stage.observe();
      if (!(await accepted(stage, one, "apply"))) return false;
      await must(stage, one, "undo");
      const expected = undoLeaves?.[one.operation.name]?.(before, one.input) ?? before;
      same(await stage.observe(), expected, `undo does not take back all that ${stage.called(one, "apply")} did`);
      return true;
    },
  },
  {
    law: "everything twice is the same as once",
    async holds(stage, one) {
      let any = false;
      for (const way of ways) {
        if (way.includes("undo" as never) && !one.operation.facts.undo) continue;
        const once = await stage.fork((inner) => goes(inner, one, way, false));
        const twice = await stage.fork((inner) => goes(inner, one, way, true));
        const what = `${way.map((action) => stage.called(one, action)).join(", then ")}: when each is lost once and then repeated,`;
        same(twice.replies, once.replies, `${what} the answers differ`);
        same(twice.state, once.state, `${what} the state differs; does it act outside of its transaction?`);
        any ||= once.replies.every(({ outcome }) => outcome === "done");
      }
      return any;
    },
  },
  {
    law: "cancel without reserve is nothing",
    async holds(stage, one) {
      const before = await stage.observe();
      for (const lost of [false, true]) {
        await stage.fork(async (inner) => {
          if (lost) await inner.lose(one, "reserve");
          await must(inner, one, "cancel");
          const after = lost ? "cancel after a reserve that was lost" : "cancel of what was never reserved";
          same(await inner.observe(), before, `${after} changes something`);
        });
      }
      return (await ask(stage, one, "reserve")).outcome === "done";
    },
  },
  {
    law: "a reserve that comes after its cancel is refused",
    async holds(stage, one) {
      const before = await stage.observe();
      const would = await stage.fork(async (inner) => (await ask(inner, one, "reserve")).outcome === "done");
      await must(stage, one, "cancel");
      for (let times = 0; times < 2; times++) await must(stage, one, "reserve", "refused");
      await must(stage, tried(one.operation, one.input), "peek", "refused");
      same(await stage.observe(), before, "a reserve that came too late changes something");
      return would;
    },
  },
];

/** Whether an operation says yes. */
async function accepted(stage: Stage, one: Tried, action: "reserve" | "apply"): Promise<boolean> {
  return (await ask(stage, one, action)).outcome === "done";
}

async function goes(stage: Stage, one: Tried, way: (typeof ways)[number], twice: boolean) {
  const replies = [];
  for (const action of way) {
    if (twice) await stage.lose(one, action);
    const reply = await ask(stage, one, action);
    replies.push(reply);
    if (twice)
      same(await ask(stage, one, action), reply, `${stage.called(one, action)} answers otherwise when it is repeated`);
    if (reply.outcome !== "done") break;
  }
  return { replies, state: await stage.observe() };
}
