/** `trireme rotate`: exchanges the secret or the operator token while orders flow. */
import { Command } from 'commander';
import { InternalClient, operatorTls, readClusterFile, secretSource } from '@trireme/cluster';
import { npmScript } from '@trireme/service';
import { resolveUserPath } from '../command-line.js';
import { COMMAND_EXIT, CommandError, EXIT_HELP } from '../errors.js';
import { dataOption, timeoutOption } from '../options.js';
import { rotate, type Credential } from './rotate.js';

interface RotateOptions {
  readonly data: string;
  readonly timeoutSeconds: number;
}

const HOW =
  'for a random one in three steps: every process accepts both, presents the new one, refuses the old one. Waits after ' +
  'each step until every running process has read the changed file. May be interrupted and run again.';

async function run(credential: Credential, { data, timeoutSeconds }: RotateOptions): Promise<void> {
  const dataDir = resolveUserPath(data);
  if (readClusterFile(dataDir) === null)
    throw new CommandError(
      COMMAND_EXIT.usage,
      `${dataDir} has no cluster: give --data, or start one: ${npmScript('start')}. Other clusters: see ` +
        '"Rotate credentials" in docs/OPERATIONS.md',
    );
  const calls = new InternalClient({ secret: secretSource(dataDir), tls: operatorTls(dataDir) });
  const onProgress = (line: string): void => void process.stderr.write(`${line}\n`);
  try {
    await rotate(credential, { dataDir, calls, onProgress, timeoutMs: timeoutSeconds * 1_000 });
    console.log('done');
  } finally {
    await calls.close();
  }
}

function addOptions(command: Command): Command {
  return command.addOption(dataOption()).addOption(timeoutOption(120)).addHelpText('after', EXIT_HELP);
}

export function rotateCommand(): Command {
  const command = new Command('rotate').description('Exchanges secrets of a running cluster.');
  addOptions(command.command('secret'))
    .description(`Exchanges the secret of the cluster ${HOW}`)
    .action(async (options: RotateOptions) => run('secret', options));
  addOptions(command.command('operator-token'))
    .description(`Exchanges the operator token ${HOW}`)
    .action(async (options: RotateOptions) => run('operatorToken', options));
  return command;
}
