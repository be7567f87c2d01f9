/** The doctor's report on the data of one replica. */

/** `mends`: the next start repairs every flaw without loss. */
export type DataCondition = 'whole' | 'mends' | 'damaged' | 'in use';

/** One flaw. */
export interface Flaw {
  /** Folder with the flaw. */
  readonly path: string;
  /** File in the folder and byte offset in the file; null if unknown. */
  readonly file: string | null;
  readonly offset: number | null;
  readonly what: string;
  /** Whether the next start repairs it without loss. */
  readonly mends: boolean;
}

export interface DataReport {
  readonly data: string;
  /** Id of the replica; null if it cannot be read. */
  readonly id: string | null;
  readonly condition: DataCondition;
  readonly findings: readonly Flaw[];
  /** The intact data, as sentences. */
  readonly intact: readonly string[];
  /** What to do, as sentences. */
  readonly advice: readonly string[];
}

/** Formats a report as text. */
export function describeReport({ data, id, condition, findings, intact, advice }: DataReport): string {
  const list = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : [`  ${title}:`, ...lines.map((line) => `    - ${line}`)];
  const where = ({ path, file, offset, what }: Flaw): string => {
    const place = file === null ? path : `${path}/${file}${offset === null ? '' : ` at offset ${offset}`}`;
    return `${place}: ${what}`;
  };
  return [
    `replica${id === null ? '' : ` ${id}`}, ${data}: ${condition.toUpperCase()}`,
    ...list('damaged', findings.filter(({ mends }) => !mends).map(where)),
    ...list('repaired by the next start', findings.filter(({ mends }) => mends).map(where)),
    ...list('intact', intact),
    ...list('what to do', advice),
  ].join('\n');
}

/** Exit codes of the doctor. */
export const DOCTOR_EXIT = {
  /** All data are intact, or the next start repairs them. */
  sound: 0,
  /** The folder contains no replica data. */
  nothing: 64,
  damaged: 65,
  /** A process has data open, so they cannot be examined; all data that could be examined are intact. */
  inUse: 75,
} as const;

/** Exit code for a list of reports. */
export function exitCodeOf(reports: readonly DataReport[]): number {
  if (reports.length === 0) return DOCTOR_EXIT.nothing;
  if (reports.some(({ condition }) => condition === 'damaged')) return DOCTOR_EXIT.damaged;
  return reports.some(({ condition }) => condition === 'in use') ? DOCTOR_EXIT.inUse : DOCTOR_EXIT.sound;
}
