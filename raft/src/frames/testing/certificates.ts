/** Creates certificates for tests with the installed openssl. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsMaterial } from '../tls.js';

/**
 * Creates a certificate authority and one certificate for each common name, all for 127.0.0.1; null without
 * openssl.
 */
export function makeCertificates(names: readonly string[]): Readonly<Record<string, TlsMaterial>> | null {
  const folder = mkdtempSync(join(tmpdir(), 'trireme-certificates-'));
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  };
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  try {
    openssl(
      'req',
      '-x509',
      ...key,
      '-days',
      '2',
      '-subj',
      '/CN=authority',
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
    );
    writeFileSync(join(folder, 'extensions'), 'subjectAltName=IP:127.0.0.1\n');
    const made = names.map((name, i): [string, TlsMaterial] => {
      openssl('req', '-new', ...key, '-subj', `/CN=${name}`, '-keyout', `${i}.key`, '-out', `${i}.csr`);
      const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
      openssl('x509', '-req', '-in', `${i}.csr`, ...signing, '-extfile', 'extensions', '-out', `${i}.pem`);
      return [name, { ca: read('ca.pem'), cert: read(`${i}.pem`), key: read(`${i}.key`) }];
    });
    return Object.fromEntries(made);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
