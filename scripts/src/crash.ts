/**
 * `npm run crash -- leader`: kills processes of the running cluster with SIGKILL and restarts them.
 * `npm run crash -- restart 2`: starts a process that is down.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { DATA_DEFAULT, resolveUserPath, runScript } from '@trireme/cli';
import { ControlClient, parseTarget } from '@trireme/cluster';

async function crash(target: string, options: { data: string; down: number }): Promise<void> {
  const control = ControlClient.forDataFolder(resolveUserPath(options.data));
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

async function restart(name: string, options: { data: string }): Promise<void> {
  const control = ControlClient.forDataFolder(resolveUserPath(options.data));
  const pid = await control.start(name);
  console.log(`started ${name} (process ${pid})`);
  await control.awaitReady(name);
  console.log(`ready ${name}`);
}

function now(): string {
  return new Date().toISOString();
}

/** Parses a number of seconds, 0 to 3600. */
function parseSeconds(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value <= 3600) return value;
  throw new InvalidArgumentError('It must be a number of seconds from 0 to 3600.');
}

/** Parses `2`, `replica-2`, `catalog-1` or `frontend-1` as the name of a process. */
function parseProcessName(text: string): string {
  const target = parseTarget(text);
  if (target?.kind === 'process') return target.name;
  throw new InvalidArgumentError('It must be a process, for example 2, catalog-1 or frontend-1.');
}

const command = new Command('npm run crash --')
  .description('Kills processes of the running cluster with SIGKILL and restarts them.')
  .argument(
    '<target>',
    'a replica (2 or replica-2), leader, all-replicas, catalog-1, all-catalogs or frontend-1',
  )
  .option('--down <seconds>', 'seconds before the restart', parseSeconds, 2)
  .option('--data <folder>', 'data folder of the cluster', DATA_DEFAULT)
  // Options after `restart` belong to it.
  .enablePositionalOptions()
  .action(crash);
command
  .command('restart')
  .description('Starts a stopped process of the running cluster.')
  .argument('<process>', 'a replica (2 or replica-2), catalog-1 or frontend-1', parseProcessName)
  .option('--data <folder>', 'data folder of the cluster', DATA_DEFAULT)
  .exitOverride()
  .action(restart);

await runScript(command);
