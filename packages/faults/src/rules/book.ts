/** A replica's order book, as it exports it: `number,name,type,quantity` under a heading. */
import { FormatError } from '@trireme/domain';
import type { OrderContents } from './history.js';

/** One line of the book. */
export interface BookRow extends OrderContents {
  readonly number: number;
}

const HEADING = 'number,name,type,quantity';

/** Reads an exported book. @throws FormatError naming the line that is not the format's. */
export function parseBook(csv: string): BookRow[] {
  const [heading, ...lines] = csv.replace(/\n$/, '').split('\n');
  if (heading !== HEADING) throw new FormatError('the book has no heading');
  return lines.map((line, i) => {
    const [number = '', stock = '', side = '', quantity = '', ...rest] = line.split(',');
    const row = { number: Number(number), stock, quantity: Number(quantity) };
    const isWhole = Number.isSafeInteger(row.number) && Number.isSafeInteger(row.quantity);
    if (!isWhole || rest.length > 0 || (side !== 'buy' && side !== 'sell')) {
      throw new FormatError(`line ${i + 2} of the book is ${JSON.stringify(line)}`);
    }
    return { ...row, side };
  });
}
