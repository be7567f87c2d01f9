/** Parser for the exported order book of a replica: CSV lines `number,name,type,quantity` after a heading. */
import { FormatError } from '@trireme/domain';
import type { OrderContents } from './history.js';

/** One line of the book. */
export interface BookRow extends OrderContents {
  readonly number: number;
}

const HEADING = 'number,name,type,quantity';

/** Parses an exported book. @throws FormatError that names the invalid line. */
export function parseBook(csv: string): BookRow[] {
  const [heading, ...lines] = csv.replace(/\n$/, '').split('\n');
  if (heading !== HEADING) throw new FormatError(`the book does not start with the heading ${HEADING}`);
  return lines.map((line, i) => {
    const [number = '', stock = '', side = '', quantity = '', ...rest] = line.split(',');
    const row = { number: Number(number), stock, quantity: Number(quantity) };
    const isWhole = Number.isSafeInteger(row.number) && Number.isSafeInteger(row.quantity);
    if (!isWhole || rest.length > 0 || (side !== 'buy' && side !== 'sell')) {
      throw new FormatError(`line ${i + 2} of the book is invalid: ${JSON.stringify(line)}`);
    }
    return { ...row, side };
  });
}
