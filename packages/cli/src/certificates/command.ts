/**
 * `trireme certificates --out DIR replica-1=10.0.0.1,replica-1.internal ...`: makes a certificate authority for a
 * cluster and a certificate for each of its processes. Existing files are kept, so that processes can be added later,
 * unless `--renew` is given.
 */
import { Command, InvalidArgumentError } from 'commander';
import { CERTIFICATE_ROLES, isName, createCertificate, renewCertificate, roleOfName } from '@trireme/service';
import { resolveUserPath } from '../command-line.js';

interface CertificateRequest {
  readonly name: string;
  readonly hosts: readonly string[];
}

const LOOPBACK = ['127.0.0.1', 'localhost'];

/** The default processes of `npm start`, and its operator. */
const DEFAULT: readonly CertificateRequest[] = [
  'catalog-1',
  'catalog-2',
  'replica-1',
  'replica-2',
  'replica-3',
  'frontend-1',
  'operator',
].map((name) => ({ name, hosts: LOOPBACK }));

/** Parses `replica-1=10.0.0.1,replica-1.internal`; a name alone gets the loopback addresses. */
function parseRequest(
  text: string,
  before: readonly CertificateRequest[] = [],
): readonly CertificateRequest[] {
  const [, name = '', hosts = ''] = /^([^=]*)=?(.*)$/.exec(text) ?? [];
  if (!isName(name) || roleOfName(name) === null)
    throw new InvalidArgumentError(
      `It must begin with a role (${CERTIFICATE_ROLES.join(', ')}), for example replica-1.`,
    );
  return [...before, { name, hosts: hosts === '' ? LOOPBACK : hosts.split(',') }];
}

function certificates(
  processes: readonly CertificateRequest[],
  { out, renew }: { readonly out: string; readonly renew: boolean },
): void {
  const folder = resolveUserPath(out);
  for (const { name, hosts } of processes.length === 0 ? DEFAULT : processes) {
    const { ca, cert, key } = (renew ? renewCertificate : createCertificate)(folder, name, hosts);
    console.log(`${name}: --tls-ca ${ca} --tls-cert ${cert} --tls-key ${key}`);
  }
  console.log(
    `move ${folder}/authority.key to a safe place: its holder can impersonate any process of the cluster`,
  );
}

export function certificatesCommand(): Command {
  return new Command('certificates')
    .summary('Makes certificates for the processes of a cluster.')
    .description(
      'Makes a certificate authority for a cluster and a certificate for each process, whose common name is the name ' +
        'of the process. Requires openssl. Keeps existing files unless --renew is given. Processes load renewed ' +
        'certificates without a restart.',
    )
    .argument(
      '[process...]',
      'NAME=HOST,HOST: name of a process and the addresses at which others reach it ' +
        '(default: the processes of npm start and its operator, on loopback)',
      parseRequest,
    )
    .requiredOption('--out <folder>', 'folder for the certificates; created if missing')
    .option('--renew', 'replace existing certificates with new ones of the same authority', false)
    .addHelpText(
      'after',
      `
Exit codes:
  0   success
  64  invalid command line, or openssl is not installed or fails
  73  the folder cannot be written`,
    )
    .action(certificates);
}
