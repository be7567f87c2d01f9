/** `npm run crash -- leader`: kills processes of the running cluster with SIGKILL and starts them again. */
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { DATA_DEFAULT, userPath, runScript, seconds } from './command-line.js';
import { ControlClient } from './control/client.js';

async function crash(target: string, options: { data: string; down: number }): Promise<void> {
  const control = ControlClient.of(userPath(options.data));
  const killed = await control.kill(target);
  const killedAt = performance.now();
  const since = (): string => `${((performance.now() - killedAt) / 1000).toFixed(2)} s after the kill`;
  for (const { name, pid } of killed) console.log(`killed ${name} (process ${pid}) at ${now()}`);
  await delay(options.down * 1000);
  await Promise.all(
    killed.map(async ({ name }) => {
      const pid = await control.start(name);
      console.log(`started ${name} (process ${pid}) at ${now()}, ${since()}`);
      await control.awaitReady(name);
      console.log(`ready ${name} (process ${pid}) at ${now()}, ${since()}`);
    }),
  );
}

function now(): string {
  return new Date().toISOString();
}

const command = new Command('npm run crash --')
  .description('Kills a process of the running cluster with SIGKILL, and starts it again after a while.')
  .argument('<target>', '2 (a replica), leader, all-replicas, catalog-1, all-catalogs or frontend-1')
  .option('--down <seconds>', 'how long it stays down', seconds, 2)
  .option('--data <folder>', "the cluster's data folder", DATA_DEFAULT)
  .action(crash);

await runScript(command);
