/** `npm run -s export -- --replica 2`: prints a replica's order book as CSV, `number,name,type,quantity`. */
import { Command } from 'commander';
import { InternalClient, operatorTls, readClusterFile, readSecret } from '@trireme/cluster';
import { DATA_DEFAULT, resolveUserPath, parseReplicaName, runScript } from './command-line.js';
import { ControlError } from './control/client.js';
import { exportBook } from './export-book.js';

async function exportReplica(options: { replica: string; data: string }): Promise<void> {
  const dataDir = resolveUserPath(options.data);
  const replica = readClusterFile(dataDir)?.processes.find(({ id }) => id === options.replica);
  if (replica === undefined) throw new ControlError(`the cluster on ${dataDir} has no ${options.replica}`);
  const calls = new InternalClient({ secret: readSecret(dataDir), tls: operatorTls(dataDir) });
  await exportBook(options.replica, replica.url, calls);
}

const command = new Command('npm run -s export --')
  .description('Prints the order book of a replica as CSV (number,name,type,quantity).')
  .requiredOption('--replica <n>', 'the replica, for example 2', parseReplicaName)
  .option('--data <folder>', 'data folder of the cluster', DATA_DEFAULT)
  .action(exportReplica);

await runScript(command);
