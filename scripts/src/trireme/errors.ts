/** How the command ends. */
import { EXIT } from '@trireme/service';

/** Exit codes of `trireme`, after sysexits.h. */
export const COMMAND_EXIT = {
  /** Done, or it was the case already. */
  done: EXIT.ok,
  /** It was refused, and had no effect; or the command has a bug. */
  refused: 1,
  usage: EXIT.usage,
  /** No replica or front-end answers, or none leads. */
  unavailable: EXIT.unavailable,
  /** It is under way: something is to be done by hand, or takes longer than was allowed. The same command goes on. */
  again: 75,
  /** The secret or the operator token is wrong. */
  denied: 77,
} as const;

type CommandExit = (typeof COMMAND_EXIT)[keyof typeof COMMAND_EXIT];

/** Thrown when the command cannot do what it was asked to; the message is for the operator. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: CommandExit;

  constructor(exitCode: CommandExit, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** Behind every `--help`. */
export const EXIT_HELP = `
Exit codes:
  0   done, or it was the case already
  1   refused, without any effect
  64  the command line makes no sense
  69  no replica or front-end answers, or no replica leads
  75  under way, and to go on: run the same command again, after what it asks for
  77  the secret or the operator token is wrong`;
