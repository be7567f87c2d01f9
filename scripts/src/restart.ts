/** `npm run restart -- 2`: starts a stopped process of the running cluster. */
import { Command } from 'commander';
import { DATA_DEFAULT, resolveUserPath, parseProcessName, runScript } from './command-line.js';
import { ControlClient } from './control/client.js';

async function restart(name: string, options: { data: string }): Promise<void> {
  const control = ControlClient.forDataFolder(resolveUserPath(options.data));
  const pid = await control.start(name);
  console.log(`started ${name} (process ${pid})`);
  await control.awaitReady(name);
  console.log(`ready ${name}`);
}

const command = new Command('npm run restart --')
  .description('Starts a stopped process of the running cluster.')
  .argument('<process>', 'a replica (2 or replica-2), catalog-1 or frontend-1', parseProcessName)
  .option('--data <folder>', 'data folder of the cluster', DATA_DEFAULT)
  .action(restart);

await runScript(command);
