/** `npm run restart -- 2`: starts a process of the running cluster that is down. */
import { Command } from 'commander';
import { DATA_DEFAULT, userPath, processName, runScript } from './command-line.js';
import { ControlClient } from './control/client.js';

async function restart(name: string, options: { data: string }): Promise<void> {
  const control = ControlClient.of(userPath(options.data));
  const pid = await control.start(name);
  console.log(`started ${name} (process ${pid})`);
  await control.awaitReady(name);
  console.log(`ready ${name}`);
}

const command = new Command('npm run restart --')
  .description('Starts a process of the running cluster that is down.')
  .argument('<process>', '2 (a replica), catalog-1 or frontend-1', processName)
  .option('--data <folder>', "the cluster's data folder", DATA_DEFAULT)
  .action(restart);

await runScript(command);
