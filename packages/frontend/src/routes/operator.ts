/** The check of operators, and what they learn about the secrets of a front-end. */
import { TriremeError } from '@trireme/domain';
import { acceptedSecrets, secretMatches, secretReport, type Secret } from '@trireme/service';
import type { RouteServices } from './services.js';

/**
 * Compares an `Authorization` header with the operator's token in constant time.
 * @param token null if none is configured: then every request is rejected.
 * @throws TriremeError `UNAUTHORIZED`.
 */
export function checkOperator(header: string | undefined, token: Secret): void {
  if (isOperator(header, token)) return;
  throw new TriremeError('UNAUTHORIZED', 'operator token required; send Authorization: Bearer <token>');
}

function isOperator(header: string | undefined, token: Secret): boolean {
  const given = /^Bearer +([^ ]+) *$/i.exec(header ?? '')?.[1];
  return given !== undefined && token !== null && secretMatches(token, given);
}

/** The field `credentials` of the status for an operator; nothing for others. */
export function credentialsFor(
  header: string | undefined,
  { identity, operatorToken }: Pick<RouteServices, 'identity' | 'operatorToken'>,
): object {
  if (!isOperator(header, operatorToken)) return {};
  const [secret, token] = [identity.secret, operatorToken].map((one) => secretReport(acceptedSecrets(one)));
  return { credentials: { secret, operatorToken: token } };
}
