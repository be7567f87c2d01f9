/** Runs a cluster of fake processes until it is killed: `node fake-supervisor.js DATA PORT`. */
import { fileURLToPath } from 'node:url';
import { LocalCluster } from '../local-cluster.js';

const [dataDir = '', port = ''] = process.argv.slice(2);
const fake = fileURLToPath(new URL('./fake-process.js', import.meta.url));
const cluster = new LocalCluster({
  dataDir,
  port: Number(port),
  output: (line) => console.log(line),
  programs: { catalog: fake, replica: fake, frontend: fake },
});
await cluster.start();
await cluster.awaitReady();
console.log('supervisor is ready');
