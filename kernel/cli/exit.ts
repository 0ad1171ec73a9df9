/** How the command ends, for scripts. docs/cli.md lists them. */
export const exitCodes = {
  ok: 0,
  /** The configuration has problems, or a check found a difference. */
  problems: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** The app could not start, or could not stop in time. */
  failed: 3,
  /** A call ended with another status than OK. */
  status: 4,
  /** A mistake in Mortise or in a plugin; the only one that shows a stack. */
  bug: 70,
  /** Interrupted a second time before everything had stopped. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A mistake of whoever uses the command: shown as one message, without a stack. */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = exitCodes.usage) {
    super(message);
    this.exitCode = exitCode;
  }
}
