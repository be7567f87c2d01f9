/** `npm run -s export -- --replica 2`: prints a replica's order book as CSV, `number,name,type,quantity`. */
import { Command } from 'commander';
import { InternalCalls, operatorTls, readClusterFile, readSecret } from '@trireme/cluster';
import { DATA_DEFAULT, userPath, replicaName, runScript } from './command-line.js';
import { ControlError } from './control/client.js';
import { exportBook } from './export-book.js';

async function exportReplica(options: { replica: string; data: string }): Promise<void> {
  const dataDir = userPath(options.data);
  const replica = readClusterFile(dataDir)?.processes.find(({ id }) => id === options.replica);
  if (replica === undefined) throw new ControlError(`no cluster on ${dataDir} has ${options.replica}`);
  const calls = new InternalCalls({ secret: readSecret(dataDir), tls: operatorTls(dataDir) });
  await exportBook(options.replica, replica.url, calls);
}

const command = new Command('npm run -s export --')
  .description("Prints a replica's order book as CSV: number,name,type,quantity.")
  .requiredOption('--replica <n>', 'which replica, such as 2', replicaName)
  .option('--data <folder>', "the cluster's data folder", DATA_DEFAULT)
  .action(exportReplica);

await runScript(command);
