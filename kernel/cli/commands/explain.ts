import { loadApp } from "../../config/app.ts";
import { explainSystem } from "../../core/explain.ts";
import { suggestion } from "../../core/nearest.ts";
import { type AppFlags, appOptions } from "../app-flags.ts";
import { type ExitCode, exitCodes, UserError } from "../exit.ts";
import { explainMethod } from "../explain-method.ts";
import { explainTransaction, transactionsIn } from "../explain-transaction.ts";
import { showMethod, showSystem, showTransaction, showTransactions } from "../show-explanation.ts";
import { showProblems, showWarnings } from "../show-problems.ts";
import { ruledApp } from "../with-source.ts";
import type { World } from "../world.ts";

export interface ExplainFlags extends AppFlags {
  readonly json?: boolean;
  /** Whether central rules are asked for. */
  readonly central?: boolean;
}

/** For a name that is no method either. */
function unknownTransaction(name: string, known: ReturnType<typeof transactionsIn>): UserError {
  const names = suggestion(
    name,
    known.map(([one]) => one),
  );
  const how = "write service/method, for example shop.order.v1.Orders/place, or the name of a transaction";
  return new UserError(`"${name}" is no method, and no transaction that is begun here.${names || ` ${how}`}`);
}

/** Shows what an app is made of, the whole way of calls of one method, or how a transaction is driven; behind every value where it comes from. */
export async function explain(
  world: World,
  file: string,
  target: string | undefined,
  flags: ExplainFlags,
): Promise<ExitCode> {
  const { terminal } = world;
  const app =
    flags.central === false ? await loadApp(file, appOptions(world, flags)) : await ruledApp(world, file, flags);
  showWarnings(terminal, app.warnings);
  const { plan, problems } = app;
  if (problems.length > 0 || !plan) {
    showProblems(terminal, problems, "so there is nothing to explain.");
    return exitCodes.problems;
  }
  const transaction = target === undefined ? undefined : explainTransaction(app, plan, target);
  if (target === undefined) {
    const { plugins } = explainSystem({ plan, units: new Map() }, 0);
    if (flags.json) terminal.out(JSON.stringify(plugins, null, 2));
    else {
      showSystem(terminal, app.name, plugins);
      showTransactions(terminal, transactionsIn(app, plan));
    }
  } else if (transaction) {
    if (flags.json) terminal.out(JSON.stringify(transaction, null, 2));
    else showTransaction(terminal, transaction);
  } else {
    if (!target.includes("/")) throw unknownTransaction(target, transactionsIn(app, plan));
    const explanation = explainMethod(app, plan, target);
    if (flags.json) terminal.out(JSON.stringify(explanation, null, 2));
    else showMethod(terminal, explanation);
  }
  return exitCodes.ok;
}
