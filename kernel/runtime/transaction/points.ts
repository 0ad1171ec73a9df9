import type { DriveRequest } from "../../contract/transaction/participant.ts";

/**
 * Where a participant stands with a branch.
 * - `arrived`: the request is here, nothing is done.
 * - `entered`: its row of the fence is written and not committed.
 * - `applied`: everything is written and not committed, the outbox included.
 * - `preparing`: the same, before it is prepared.
 * - `answering`: it is committed or prepared, and nobody knows yet.
 * - `confirming`, `undoing`: a finish is under way and not committed.
 * - `confirmed`: a finish is committed, and nobody knows yet.
 */
export type BranchPlace =
  | "arrived"
  | "entered"
  | "applied"
  | "preparing"
  | "answering"
  | "confirming"
  | "confirmed"
  | "undoing";

const twoPhase = { preparing: "X3", answering: "X4", confirmed: "X8" } as const;

/** The numbers of the places in the tables of crash points, by strategy. */
const numbers: Readonly<Record<string, Readonly<Partial<Record<BranchPlace, string>>>>> = {
  xa: twoPhase,
  "3pc": twoPhase,
  tcc: { arrived: "T4", entered: "T5", answering: "T3", confirming: "T10", confirmed: "T11" },
  saga: { arrived: "S5", answering: "S3", undoing: "S7" },
  outbox: { applied: "O1" },
  message: { entered: "M3", answering: "M5" },
  "best-effort": { applied: "N1", answering: "N3" },
};

/** Called with a place; does what was asked for at its point, if anything was. */
export type AtPlace = (request: Pick<DriveRequest, "strategy">, place: BranchPlace) => Promise<void> | void;

export function atPlaces(at: (point: string) => Promise<void> | void): AtPlace {
  return ({ strategy }, place) => {
    const point = numbers[strategy]?.[place];
    return point === undefined ? undefined : at(point);
  };
}
