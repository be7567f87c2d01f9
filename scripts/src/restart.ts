/** `npm run restart -- 2`: starts a stopped process of the running cluster. */
import { Command, InvalidArgumentError } from 'commander';
import { DATA_DEFAULT, resolveUserPath, runScript } from '@trireme/cli';
import { ControlClient, parseTarget } from '@trireme/cluster';

async function restart(name: string, options: { data: string }): Promise<void> {
  const control = ControlClient.forDataFolder(resolveUserPath(options.data));
  const pid = await control.start(name);
  console.log(`started ${name} (process ${pid})`);
  await control.awaitReady(name);
  console.log(`ready ${name}`);
}

/** Parses `2`, `replica-2`, `catalog-1` or `frontend-1` as the name of a process. */
function parseProcessName(text: string): string {
  const target = parseTarget(text);
  if (target?.kind === 'process') return target.name;
  throw new InvalidArgumentError('It must be a process, for example 2, catalog-1 or frontend-1.');
}

const command = new Command('npm run restart --')
  .description('Starts a stopped process of the running cluster.')
  .argument('<process>', 'a replica (2 or replica-2), catalog-1 or frontend-1', parseProcessName)
  .option('--data <folder>', 'data folder of the cluster', DATA_DEFAULT)
  .action(restart);

await runScript(command);
