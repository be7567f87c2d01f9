/**
 * `npm run certificates -- --out DIR replica-1=10.0.0.1,replica-1.internal ...`: an authority for a cluster, and a
 * certificate for each of its processes. What is there already stays, so that processes can be added later,
 * unless it is to be renewed.
 */
import { Command, InvalidArgumentError } from 'commander';
import { ROLES, isName, makeCertificate, renewCertificate, roleOfName } from '@trireme/service';
import { userPath, runScript } from './command-line.js';

interface Named {
  readonly name: string;
  readonly hosts: readonly string[];
}

const HERE = ['127.0.0.1', 'localhost'];

/** What `npm start` runs, and its operator. */
const DEFAULT: readonly Named[] = [
  'catalog-1',
  'catalog-2',
  'replica-1',
  'replica-2',
  'replica-3',
  'frontend-1',
  'operator',
].map((name) => ({ name, hosts: HERE }));

/** Reads `replica-1=10.0.0.1,replica-1.internal`; a name alone is reached on its own machine. */
function parseNamed(text: string, before: readonly Named[] = []): readonly Named[] {
  const [, name = '', hosts = ''] = /^([^=]*)=?(.*)$/.exec(text) ?? [];
  if (!isName(name) || roleOfName(name) === null)
    throw new InvalidArgumentError(`A name begins with its role: ${ROLES.join(', ')}, as in replica-1.`);
  return [...before, { name, hosts: hosts === '' ? HERE : hosts.split(',') }];
}

function certificates(
  processes: readonly Named[],
  { out, renew }: { readonly out: string; readonly renew: boolean },
): void {
  const folder = userPath(out);
  for (const { name, hosts } of processes.length === 0 ? DEFAULT : processes) {
    const { ca, cert, key } = (renew ? renewCertificate : makeCertificate)(folder, name, hosts);
    console.log(`${name}: --tls-ca ${ca} --tls-cert ${cert} --tls-key ${key}`);
  }
  console.log(`keep ${folder}/authority.key elsewhere: who has it can be every process of the cluster`);
}

const command = new Command('npm run certificates --')
  .description(
    "Makes a cluster's own authority and a certificate for each process, whose common name is the name of the process. " +
      'Needs openssl. Replaces nothing unless --renew is given; processes use what is renewed without a restart.',
  )
  .argument(
    '[process...]',
    'NAME=HOST,HOST: its name, and the addresses that others reach it at; ' +
      'those of npm start and its operator, on this machine, unless given',
    parseNamed,
  )
  .requiredOption('--out <folder>', 'where they are put; made if it is not there')
  .option('--renew', 'new certificates, of the same authority, in the place of those that are there', false)
  .action(certificates);

await runScript(command);
