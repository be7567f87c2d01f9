/** How the command ends. */
import { EXIT, operatorCommand } from '@trireme/service';

/** Exit codes of `trireme`, after sysexits.h. */
export const COMMAND_EXIT = {
  /** Done, or it was the case already. */
  done: EXIT.ok,
  /** It was refused, and had no effect; or the command has a bug. */
  refused: 1,
  usage: EXIT.usage,
  /** No replica or front-end answers, or no replica leads. */
  unavailable: EXIT.unavailable,
  /** What was asked for is done, and standard output does not take the answer. */
  unwritten: EXIT.full,
  /** The outcome is unknown, or it is under way: the command that the message names finds out, or goes on. */
  again: 75,
  /** The secret or the operator token is wrong. */
  denied: 77,
} as const;

export type CommandExit = (typeof COMMAND_EXIT)[keyof typeof COMMAND_EXIT];

/** Thrown when the command cannot do what it was asked to; the message is for the operator. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: CommandExit;

  constructor(exitCode: CommandExit, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** After every `--help`. */
export const EXIT_HELP = `
Exit codes:
  0   done, or it was the case already
  1   refused, without any effect; of status: two books differ
  64  the command line makes no sense
  69  no replica or front-end answers, or no replica leads
  74  done, but the answer cannot be written
  75  the outcome is unknown, or more is to be done: the message names the command
  77  the secret or the operator token is wrong

From any folder: ${operatorCommand()} COMMAND`;
