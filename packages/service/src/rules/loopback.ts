/** The rule that a process listens beyond its own machine only with a secret or a certificate. */
import { UsageError } from './usage-error.js';

const LOOPBACK_IPV4 = /^127(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;

/** Whether `host` is certainly this machine: 127.0.0.0/8, ::1 or `localhost`. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === 'localhost' || name === '::1' || name === '[::1]' || LOOPBACK_IPV4.test(name);
}

/** @throws UsageError if `host` is not loopback and there is neither a secret nor a certificate. */
export function requireSecretBeyondLoopback(
  host: string,
  { secret, tls }: { readonly secret: string | object | null; readonly tls?: object | null },
): void {
  if (secret !== null || (tls ?? null) !== null || isLoopback(host)) return;
  throw new UsageError(
    `refusing to listen on ${host} without a secret: set --secret-file or --tls-ca, or listen on 127.0.0.1`,
  );
}
