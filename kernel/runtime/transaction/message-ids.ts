/**
 * Ids of messages about one branch. A bus drops what it has seen under the same id, so the id of a branch changes only with
 * the round in which it is sent again, and that of an acknowledgement with every delivery it answers.
 */

/** @param round counted from 0, the first time it is sent */
export function sendingId(gid: string, branch: string, round: number): string {
  return `${gid}:${branch}:${round}`;
}

/** Whether a message with this id was sent because nobody acknowledged an earlier one. */
export function isSentAgain(id: string): boolean {
  return !id.endsWith(":0");
}

/** The id of what answers one delivery of a branch. */
export function acknowledgementId({ id, attempt }: { readonly id: string; readonly attempt: number }): string {
  return `${id}:${attempt}:done`;
}

/** The id of what tells that one delivery of a branch failed. */
export function failureId({ id, attempt }: { readonly id: string; readonly attempt: number }): string {
  return `${id}:${attempt}:failed`;
}
