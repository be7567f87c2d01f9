/** What the doctor says of one replica's data. */

/** `mends`: what is wrong with it costs nothing, and the next start puts it right. */
export type Condition = 'whole' | 'mends' | 'damaged' | 'in use';

/** One thing that is wrong. */
export interface Finding {
  /** Folder that it is about, as given. */
  readonly path: string;
  /** File in it, and byte offset in that, where they are known. */
  readonly file: string | null;
  readonly offset: number | null;
  readonly what: string;
  /** Whether the next start puts it right without a loss. */
  readonly mends: boolean;
}

export interface Report {
  readonly data: string;
  /** Of the replica; null where it cannot be read. */
  readonly id: string | null;
  readonly condition: Condition;
  readonly findings: readonly Finding[];
  /** What is left, as sentences. */
  readonly intact: readonly string[];
  /** What to do, as sentences. */
  readonly advice: readonly string[];
}

/** The report for people. */
export function describeReport({ data, id, condition, findings, intact, advice }: Report): string {
  const list = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : [`  ${title}:`, ...lines.map((line) => `    - ${line}`)];
  const where = ({ path, file, offset, what }: Finding): string => {
    const place = file === null ? path : `${path}/${file}${offset === null ? '' : ` at offset ${offset}`}`;
    return `${place}: ${what}`;
  };
  return [
    `replica${id === null ? '' : ` ${id}`}, ${data}: ${condition.toUpperCase()}`,
    ...list('damaged', findings.filter(({ mends }) => !mends).map(where)),
    ...list('mended by the next start', findings.filter(({ mends }) => mends).map(where)),
    ...list('intact', intact),
    ...list('what to do', advice),
  ].join('\n');
}

/** Exit codes of the doctor. */
export const DOCTOR_EXIT = {
  /** Everything is whole, or the next start mends it. */
  sound: 0,
  /** There is no data of a replica. */
  nothing: 64,
  damaged: 65,
  /** A process has the data open, so they cannot be looked at; nothing that could be is damaged. */
  inUse: 75,
} as const;

/** The exit code for all reports together. */
export function exitCodeOf(reports: readonly Report[]): number {
  if (reports.length === 0) return DOCTOR_EXIT.nothing;
  if (reports.some(({ condition }) => condition === 'damaged')) return DOCTOR_EXIT.damaged;
  return reports.some(({ condition }) => condition === 'in use') ? DOCTOR_EXIT.inUse : DOCTOR_EXIT.sound;
}
