/** Keeps in the data folder which addresses of flags and log were compared; see rules/member-addresses.ts. */
import { join } from 'node:path';
import { FormatError } from '@trireme/domain';
import { UsageError } from '@trireme/service';
import { LineWriter, readLine } from './line-file.js';
import { formatComparisons, parseComparisons, type Comparisons } from './rules/member-addresses.js';

const ADDRESS_FILE = 'addresses';

/** What was kept; empty in a folder without. @throws UsageError if the file is damaged; the system's error. */
export async function readComparisons(data: string): Promise<Comparisons> {
  const line = await readLine(data, ADDRESS_FILE);
  try {
    return line === null ? new Map() : parseComparisons(line);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new UsageError(
      `${join(data, ADDRESS_FILE)} is damaged. Remove it, and check --peers and --replicas: they win then over every ` +
        'address that the group was given',
      { cause: error },
    );
  }
}

/**
 * Keeps all that it is called with last.
 * @param failed told if that cannot be written
 */
export function comparisonWriter(
  data: string,
  failed: (error: unknown) => void,
): (comparisons: Comparisons) => void {
  const writer = new LineWriter(data, ADDRESS_FILE, failed);
  return (comparisons) => writer.write(formatComparisons(comparisons));
}
