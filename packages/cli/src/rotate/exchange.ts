/** The steps in which a secret file is exchanged, and what processes tell about the secrets that they use. */
import { isRecord } from '@trireme/cluster';
import { secretFingerprint, type SecretLines, type SecretReport } from '@trireme/service';

/** One step of an exchange: every process must have read these lines before the next step. */
export interface ExchangeStep {
  readonly lines: SecretLines;
  /** For the operator, without a secret. */
  readonly what: string;
}

/**
 * The steps from the present lines of a secret file to a new secret. Two lines are left by an interrupted exchange. The
 * file does not tell whether the first or the second is newer, so the first is kept and exchanged again: that is
 * safe in both cases, and no secret that was used before the exchange remains.
 */
export function exchangeSteps([present, ...others]: SecretLines, next: string): readonly ExchangeStep[] {
  const interrupted: readonly ExchangeStep[] = others.map((other) => ({
    lines: [present, other],
    what: 'finish the interrupted exchange: present the first secret',
  }));
  const finish: readonly ExchangeStep[] =
    others.length === 0
      ? []
      : [{ lines: [present], what: 'finish the interrupted exchange: refuse the second' }];
  return [
    ...interrupted,
    ...finish,
    { lines: [present, next], what: 'accept the new secret' },
    { lines: [next, present], what: 'present the new secret' },
    { lines: [next], what: 'refuse the old secret' },
  ];
}

/** Whether a process uses exactly these lines. */
export function hasLoaded(report: SecretReport | null, lines: SecretLines): boolean {
  const [presents, ...others] = lines.map(secretFingerprint);
  return (
    report !== null && report.presents === presents && report.accepts.join() === [presents, ...others].join()
  );
}

/** Parses one secret of the field `credentials` in the status of a process; null if it is missing or invalid. */
export function parseSecretReport(status: unknown, field: 'secret' | 'operatorToken'): SecretReport | null {
  if (!isRecord(status) || !isRecord(status['credentials'])) return null;
  const report = status['credentials'][field];
  if (!isRecord(report)) return null;
  const { presents, accepts } = report;
  if (typeof presents !== 'string' || !Array.isArray(accepts)) return null;
  return { presents, accepts: accepts.map(String) };
}
