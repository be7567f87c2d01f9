/** Errors and exit codes of the `trireme` command. */
import { EXIT_CODE, triremeCommand } from '@trireme/service';

/** Exit codes of `trireme`, as in sysexits.h. */
export const COMMAND_EXIT = {
  /** Success, or there was nothing to do. */
  done: EXIT_CODE.ok,
  /** Refused without any effect; also an unexpected error. */
  refused: 1,
  usage: EXIT_CODE.usage,
  /** A backup is damaged, does not belong to the others, or does not contain the point to restore to. */
  damaged: EXIT_CODE.damaged,
  /** No replica or front-end answers, or no replica leads. */
  unavailable: EXIT_CODE.unavailable,
  /** Success, but the output cannot be written. */
  unwritten: EXIT_CODE.full,
  /** The outcome is unknown, or there is work left: the command that the message names finds out, or continues. */
  incomplete: 75,
  /** The secret or the operator token is wrong. */
  denied: 77,
} as const;

export type CommandExit = (typeof COMMAND_EXIT)[keyof typeof COMMAND_EXIT];

/** Thrown if a command fails; the message is for the operator. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: CommandExit;

  constructor(exitCode: CommandExit, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** Appended to the help of every command. */
export const EXIT_HELP = `
Exit codes:
  0   success, or there was nothing to do
  1   refused without any effect; status: two order books differ
  64  invalid command line
  65  backup, restore: a backup is damaged, does not belong to the others, or does not contain the point
  69  no replica or front-end answers, or no replica leads
  74  success, but the output cannot be written
  75  outcome unknown, or work left to do: run the command that the message names
  77  wrong secret or operator token

Run it from any folder: ${triremeCommand()} COMMAND`;
