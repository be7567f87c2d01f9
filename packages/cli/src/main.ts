/** `trireme`: the operator's command. Results go to standard output, progress and errors to standard error. */
import { Command } from 'commander';
import { ControlError } from '@trireme/cluster';
import { backupCommands } from './backup/commands.js';
import { certificatesCommand } from './certificates/command.js';
import { reportError } from './command-line.js';
import { doctorCommand } from './doctor/command.js';
import { COMMAND_EXIT, CommandError, EXIT_HELP } from './errors.js';
import { frontendCommands } from './frontend/commands.js';
import { groupCommands } from './group/commands.js';
import { portsCommand } from './ports/command.js';
import { recoverCommand } from './recover/command.js';
import { rotateCommand } from './rotate/command.js';

const EXAMPLES = `
Examples:
  trireme status                    show replicas and catalogs
  trireme members rejoin 2          rebuild a replica that has lost its data
  trireme members replace 2 4       replace replica 2 with replica 4
  trireme transfer --to 3           make replica 3 the leader
  trireme backup --out FILE         back up the order book
  trireme catalogs add catalog-3    add a catalog
  trireme order buy AAPL 1          place an order
  trireme stock set ACME 12.50      add a stock or set its price`;

const program = new Command('trireme')
  .description(
    'Operates a Trireme cluster. An option with "env: NAME" in its help can also be set by that environment variable.',
  )
  .addHelpText('after', EXAMPLES)
  .addHelpText('after', EXIT_HELP);
const commands = [
  ...groupCommands(),
  ...backupCommands(),
  ...frontendCommands(),
  doctorCommand(),
  recoverCommand(),
  certificatesCommand(),
  portsCommand(),
  rotateCommand(),
];
for (const command of commands) program.addCommand(command);

/** Makes the parser of a command and its subcommands throw instead of ending the process. */
function throwOnExit(command: Command): void {
  command.exitOverride();
  command.commands.forEach(throwOnExit);
}

// A reader such as `head` may close the pipe early: then the command ends without an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  console.error(`error: cannot write the output: ${error.message}`);
  process.exit(COMMAND_EXIT.unwritten);
});
try {
  throwOnExit(program);
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitOf(error);
}

function exitOf(error: unknown): number {
  if (error instanceof CommandError || error instanceof ControlError) {
    console.error(`error: ${error.message}`);
    return error instanceof CommandError ? error.exitCode : COMMAND_EXIT.unavailable;
  }
  return reportError(error);
}
