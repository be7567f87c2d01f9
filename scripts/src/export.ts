/** `npm run -s export -- --replica 2`: prints a replica's order book as CSV, `number,name,type,quantity`. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { readClusterFile, readSecret } from '@trireme/cluster';
import { LINK_HEADERS } from '@trireme/service';
import { DATA_DEFAULT, dataFolder, replicaName, runScript } from './command-line.js';
import { ControlError } from './control/client.js';

async function exportBook(options: { replica: string; data: string }): Promise<void> {
  const dataDir = dataFolder(options.data);
  const replica = readClusterFile(dataDir)?.processes.find(({ id }) => id === options.replica);
  if (replica === undefined) throw new ControlError(`no cluster on ${dataDir} has ${options.replica}`);
  const headers = { [LINK_HEADERS.secret]: readSecret(dataDir) };
  const response = await fetch(`${replica.url}/export`, { headers }).catch((error: unknown) => {
    throw new ControlError(`${options.replica} does not answer at ${replica.url}`, { cause: error });
  });
  if (!response.ok || response.body === null) {
    throw new ControlError(`${options.replica} answers ${response.status}: ${await response.text()}`);
  }
  // A pipe to `head` ends early; the book is then simply not wanted any further.
  await pipeline(Readable.fromWeb(response.body), process.stdout, { end: false }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error;
  });
}

const command = new Command('npm run -s export --')
  .description("Prints a replica's order book as CSV: number,name,type,quantity.")
  .requiredOption('--replica <n>', 'which replica, such as 2', replicaName)
  .option('--data <folder>', "the cluster's data folder", DATA_DEFAULT)
  .action(exportBook);

await runScript(command);
