/** Every reason for which a transaction cannot be driven as configured. The key is the code, the value what to do about it. */
export const transactionCodes = {
  DTX001:
    "Name one of the strategies the message lists under `transactions`, install the plugin, or list it under `use.transaction` where the app lists its own.",
  DTX002: "Give the operation `undo`, put the step behind the pivot, or choose a strategy that reserves.",
  DTX003:
    "Choose a strategy that drives such operations, such as `tcc` or `saga`, or let the step run after the commit.",
  DTX004:
    "Put the step where it can still be refused (the first branch, or before the pivot), let it reject nothing, or choose a strategy that decides after all steps.",
  DTX005: "Choose a strategy with the isolation the transaction needs, or declare that its business accepts less.",
  DTX006: "Choose a strategy that answers with the final outcome, or declare `reply: accepted` and let callers wait.",
  DTX007:
    "Mark the step droppable if its loss is acceptable, or choose a strategy that delivers for certain, such as `outbox`.",
  DTX008:
    "Raise `max_prepared_transactions` in the participants' PostgreSQL (its default 0 turns them off), or lower `maxInFlight`.",
  DTX009:
    "Let the participant's new version start once, which brings its fence up to date, and leave `default_transaction_isolation` at read committed.",
  DTX010:
    "Roll participants out before their callers: start the participant, or the version of it that has this version of the operation. Where it takes this version no more, roll out the caller.",
  DTX011:
    "Keep the strategy under `use: { transaction: … }` until these transactions have ended; `mortise tx list` shows them.",
  DTX012: "Use a bus that keeps messages and reaches other processes, such as `nats`.",
  DTX013: "Set `synchronous_standby_names` in the coordinator's PostgreSQL, or do not declare it highly available.",
  DTX014:
    "Shorten the deadline or schedule, or keep for longer what does not last: reservations (`expiresMs`), rows of fences (`fenceRetentionDays`), or what has ended (`retentionDays` of the coordinator, at least one more).",
  DTX015:
    "Put the steps into one branch (neither may use the other's output), or choose a strategy that holds no row locks, such as `tcc`.",
  DTX016: "Let the operation reject nothing, or let the step run before the commit.",
  DTX017:
    "Take the value from the input or from a step of the first branch, or choose a strategy that waits for answers.",
  DTX018:
    "Put all steps on one participant without using each other's outputs, or choose a strategy for several databases.",
  DTX019: "Run the service that performs its first branch in the app that begins it, or choose another strategy.",
  DTX020:
    "Rename one of the two, or let both services take it from one module: what began under a name is gone on with by that name.",
  DTX021:
    "Let all processes of a transaction share one coordinator: name the same `server` and `database` for `coordinator/postgres`.",
} as const;

export type TransactionCode = keyof typeof transactionCodes;
