import { background } from "../../call/call-context.ts";
import { codecOf } from "../../contract/codec/codec.ts";
import type { DriveReply } from "../../contract/transaction/participant.ts";
import type { FinishItem, LocalOperation, ReserveAnswer } from "../../spi/perform.ts";
import type { Stage, Tried } from "./stage.ts";
import { ask, must, same, saying } from "./verdict.ts";

/** What was answered to each, in the same words whether it was asked alone or together. */
type Answers = readonly ({ readonly output: unknown } | { readonly reject: string })[];

/** Fails unless reserving, confirming and cancelling together is the same as one after the other. */
export async function manyHolds(stage: Stage, all: readonly Tried[], own: LocalOperation): Promise<boolean> {
  let any = false;
  for (const finish of ["confirm", "cancel"] as const) {
    const alone = await stage.fork((inner) => oneByOne(inner, all, finish));
    const together = await stage.fork((inner) => atOnce(inner, all, own, finish));
    same(together.answers, alone.answers, "reserveMany answers otherwise than reserve, one after the other");
    same(together.reserved, alone.reserved, "reserveMany leaves another state than reserve, one after the other");
    same(together.finished, alone.finished, `${finish}Many leaves another state than ${finish}, one after the other`);
    any ||= alone.answers.some((answer) => "output" in answer);
  }
  return any;
}

async function oneByOne(stage: Stage, all: readonly Tried[], finish: "confirm" | "cancel") {
  const replies: DriveReply[] = [];
  for (const one of all) replies.push(await ask(stage, one, "reserve"));
  const reserved = await stage.observe();
  for (const [i, one] of all.entries()) if (replies[i]?.outcome === "done") await must(stage, one, finish);
  const answers: Answers = replies.map(({ refusal, results }, i) =>
    refusal ? { reject: refusal.reason } : { output: decoded(all[i] as Tried, results[0]?.output) },
  );
  return { answers, reserved, finished: await stage.observe() };
}

async function atOnce(stage: Stage, all: readonly Tried[], own: LocalOperation, finish: "confirm" | "cancel") {
  const items = all.map(({ gid, operation, input }) => ({ gid, step: operation.name, input }));
  const of = `of ${all[0]?.operation.name}`;
  const reserving = () => Promise.resolve(own.reserveMany?.(stage.tx, items, background));
  const given = (await saying(`reserveMany ${of}`, reserving)) as readonly ReserveAnswer<unknown>[];
  const reserved = await stage.observe();
  const accepted: FinishItem<unknown, unknown>[] = items.flatMap((item, i) => {
    const answer = given[i];
    return answer && "output" in answer ? [{ ...item, output: answer.output }] : [];
  });
  const many = finish === "confirm" ? own.confirmMany : own.cancelMany;
  if (accepted.length > 0) {
    if (many) await saying(`${finish}Many ${of}`, () => many.call(own, stage.tx, accepted, background));
    else for (const { input, output } of accepted) await own[finish](stage.tx, input, output, background as never);
  }
  const answers: Answers = given.map((answer, i) => {
    const { operation } = all[i] as Tried;
    return "output" in answer
      ? { output: decoded(all[i] as Tried, codecOf(operation.output).encode(answer.output)) }
      : { reject: answer.reject.reason };
  });
  return { answers, reserved, finished: await stage.observe() };
}

function decoded({ operation }: Tried, bytes: Uint8Array | undefined): unknown {
  return codecOf(operation.output).decode(bytes ?? new Uint8Array());
}
