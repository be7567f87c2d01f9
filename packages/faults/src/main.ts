/** `npm run faults`: runs fault scenarios; with `rejoin`, `recover` or `hosts` as its first argument, a drill instead. */
import { runScript } from '@trireme/cli';
import { hostsCommand } from './drills/hosts.js';
import { recoverCommand } from './drills/recover.js';
import { rejoinCommand } from './drills/rejoin.js';
import { runSuite } from './suite.js';

const args = process.argv.slice(2);
if (args[0] === 'rejoin') await runScript(rejoinCommand(), args.slice(1));
else if (args[0] === 'recover') await runScript(recoverCommand(), args.slice(1));
else if (args[0] === 'hosts') await runScript(hostsCommand(), args.slice(1));
else await runSuite(args);
