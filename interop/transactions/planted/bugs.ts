/** A mistake that is put into one source file of the platform: the tests must find it. */
export interface Bug {
  readonly name: string;
  /** Below the root of the repository. */
  readonly file: string;
  /** Occurs exactly once. */
  readonly text: string;
  readonly becomes: string;
}

const runtime = "kernel/runtime/transaction";

/** Mistakes that systems like this one have really made, and some that only look harmless. */
export const bugs = {
  confirmBeforeDecision: {
    name: "confirms before it has decided",
    file: "kernel/spi/driving.ts",
    text: "      await t.at(points.voted);",
    becomes:
      '      if (forward.done) await t.settle(t.branches, phases.commit, "beside");\n      await t.at(points.voted);',
  },
  decisionWithoutCompare: {
    name: "decides without comparing",
    file: "plugins/coordinator/postgres/decide.ts",
    text: "where held.gid = given.gid and held.status = 'active'",
    becomes: "where held.gid = given.gid",
  },
  noTombstone: {
    name: "takes back without a tombstone",
    file: `${runtime}/local-branch.ts`,
    text: 'enter(tx.sql, entryOf(request, "R", "tombstone")),',
    becomes: 'readCommitted(tx.sql as never, gid, branch, "R"),',
  },
  tombstoneRemoved: {
    name: "removes a tombstone that a late reserve has hit",
    file: `${runtime}/local-branch.ts`,
    text: "      if (there) throw new Undone(repeated(there));\n      await at",
    becomes: `      if (there?.kind === "tombstone") {
        await tx.sql\`delete from mortise_fence where gid = \${request.gid} and branch = \${request.branch} and slot = 'R'\`;
        return repeated(there);
      }
      if (there) throw new Undone(repeated(there));
      await at`,
  },
  statementTwice: {
    name: "does the statement of a branch before it knows that it was done",
    file: `${runtime}/fence-statement.ts`,
    text: "    returning 1`;\n  const doing",
    becomes: "    on conflict do nothing returning 1`;\n  const doing",
  },
  fenceOutside: {
    name: "writes the fence outside the transaction of the business",
    file: `${runtime}/local-branch.ts`,
    text: 'const there = await enter(tx.sql, entryOf(request, "R", kind, known && encodeKept(known)));',
    becomes: `const [written] = await database.sql\`
              insert into mortise_fence (gid, branch, slot, kind, strategy, operations, kept)
              values (\${request.gid}, \${request.branch}, 'R', \${kind}, \${request.strategy}, '', \${known ? encodeKept(known) : null})
              on conflict do nothing returning 1\`;
            const there = written ? undefined : await readCommitted(database.sql, request.gid, request.branch, "R");`,
  },
  separateSlots: {
    name: "gives confirm and cancel slots of their own",
    file: `${runtime}/local-branch.ts`,
    text: 'enter(tx.sql, entryOf(request, "F", "cancel")),',
    becomes: 'enter(tx.sql, entryOf(request, "C" as never, "cancel")),',
  },
  goneIsCommitted: {
    name: "takes a prepared transaction that is gone for committed",
    file: `${runtime}/prepared.ts`,
    text: 'if (row?.kind === "apply") return done(decodeKept(row.kept).results);\n      const note',
    becomes: "if (Math.abs(1)) return done();\n      const note",
  },
  outboxDeletedOnPublish: {
    name: "deletes a row of the outbox when the bus has taken it",
    file: `${runtime}/relay.ts`,
    text: "  const unsent = results.filter((one) => one !== undefined);",
    becomes:
      "  for (const { gid, branch } of due) await removeDone(sql, gid, branch);\n  const unsent = results.filter((one) => one !== undefined);",
  },
  resultNotStored: {
    name: "does not keep what was asked and answered",
    file: `${runtime}/local-branch.ts`,
    text: "return keep(sql, request.gid, request.branch, encodeKept(keptOf(request, results)));",
    becomes: "return keep(sql, request.gid, request.branch, encodeKept({ steps: [], results: [] }));",
  },
  checkBackBySelect: {
    name: "checks back by reading instead of inserting",
    file: `${runtime}/local-branch.ts`,
    text: 'const there = await enter(sql, entryOf(request, "R", "tombstone"));\n          return there ?',
    becomes:
      'const there = await readCommitted(sql as never, request.gid, request.branch, "R");\n          return there ?',
  },
  nullRunsBusiness: {
    name: "runs the business of a cancel for what was never reserved",
    file: `${runtime}/local-branch.ts`,
    text: 'if (begun?.kind === "reserve") await finishSteps(tx, gid, decodeKept(begun.kept), "cancel", context);',
    becomes: `if (!begun) {
            const steps = request.steps.map((step) => ({ ...step, input: codecOf(operationOf(step.operation).input).encode({ account: "bob", cents: 1n } as never) }));
            await finishSteps(tx, gid, { steps, results: [] }, "cancel", context);
          }
          if (begun?.kind === "reserve") await finishSteps(tx, gid, decodeKept(begun.kept), "cancel", context);`,
  },
  endBeforeConfirms: {
    name: "ends before all branches are confirmed",
    file: "kernel/spi/driving.ts",
    text: '    await t.settle(t.branches, commit ? phases.commit : phases.abort, "beside", point);',
    becomes:
      '    if (commit) await t.finish(decision);\n    await t.settle(t.branches, commit ? phases.commit : phases.abort, "beside", point);',
  },
  guessedCommit: {
    name: "takes votes for a decision when it recovers",
    file: "kernel/spi/driving.ts",
    text: '  return t.decide("aborting", t.late ? late : interrupted);',
    becomes: '  return t.decide("committing");',
  },
  unilateralCommit: {
    name: "commits a prepared branch that nobody has asked about for long",
    file: `${runtime}/sweep.ts`,
    text: 'const commit = status === "committing" || status === "committed";',
    becomes: "const commit = prepared;",
  },
  unilateralAbort: {
    name: "aborts what is overdue without the record",
    file: `${runtime}/inquiry.ts`,
    text: "  return (await coordinator.decide(gid, decision",
    becomes: '  if (!lost) return "aborting";\n  return (await coordinator.decide(gid, decision',
  },
  sweepOfTheActive: {
    name: "sweeps what is still undecided",
    file: `${runtime}/sweep.ts`,
    text: '  if (status === "active") return "waiting";\n',
    becomes: "",
  },
  strategyNotPinned: {
    name: "recovers under the strategy of the configuration",
    file: `${runtime}/recovery.ts`,
    text: "strategyOf(node, record.strategy)",
    becomes: 'strategyOf(node, "tcc")',
  },
  inquiryForgets: {
    name: "answers an inquiry without writing the abort",
    file: "plugins/coordinator/postgres/queries.ts",
    text: "if (known) return known.status;",
    becomes: 'return known ? known.status : "aborting";',
  },
  roundsNeverRest: {
    name: "rests no longer after many rounds than after the first",
    file: `${runtime}/backoff.ts`,
    text: "2 ** Math.min(round + 5, 30)",
    becomes: "2 ** 5",
  },
  asksAtOnce: {
    name: "asks again without a wait",
    file: `${runtime}/backoff.ts`,
    text: "return Math.max(1, bound * random());",
    becomes: "return Math.max(1, 0 * bound);",
  },
  sendsAllAgain: {
    name: "sends all again at once that nobody has acknowledged",
    file: `${runtime}/resends.ts`,
    text: "      if (window.left === 0) return false;\n",
    becomes: "",
  },
  noticesWithoutEnd: {
    name: "never comes to the end of a schedule",
    file: `${runtime}/relay.ts`,
    text: "waits[attempts - 1]",
    becomes: "waits[0]",
  },
} as const satisfies Readonly<Record<string, Bug>>;

export type BugName = keyof typeof bugs;
