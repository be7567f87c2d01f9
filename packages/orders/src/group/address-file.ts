/** Stores in the data folder which addresses of flags and log were compared; see rules/group/member-addresses.ts. */
import { join } from 'node:path';
import { FormatError } from '@trireme/domain';
import { UsageError } from '@trireme/service';
import { LineWriter, readLine } from './line-file.js';
import {
  formatComparisons,
  parseComparisons,
  type AddressComparisons,
} from '../rules/group/member-addresses.js';

const ADDRESS_FILE = 'addresses';

/**
 * The stored comparisons; empty if there are none.
 * @throws UsageError if the file is damaged; the system's error.
 */
export async function readAddressComparisons(data: string): Promise<AddressComparisons> {
  const line = await readLine(data, ADDRESS_FILE);
  try {
    return line === null ? new Map() : parseComparisons(line);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new UsageError(
      `${join(data, ADDRESS_FILE)} is damaged. Remove it, and check --peers and --replicas: they then override all ` +
        'addresses in the log',
      { cause: error },
    );
  }
}

/**
 * Returns a function that stores the comparisons that it is called with; the last call wins.
 * @param onError called if they cannot be written
 */
export function addressComparisonWriter(
  data: string,
  onError: (error: unknown) => void,
): (comparisons: AddressComparisons) => void {
  const writer = new LineWriter(data, ADDRESS_FILE, onError);
  return (comparisons) => writer.write(formatComparisons(comparisons));
}
