/** Writes a replica's order book to standard output: as CSV, `number,name,type,quantity`, or an object a line. */
import { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import type { InternalCalls } from '@trireme/cluster';
import { ControlError } from './control/client.js';

/** @throws ControlError if the replica, called `name`, does not answer or refuses. */
export async function exportBook(
  name: string,
  url: string,
  calls: InternalCalls,
  json = false,
): Promise<void> {
  const response = await calls.open(`${url}/export`).catch((error: unknown) => {
    throw new ControlError(`${name} does not answer at ${url}`, { cause: error });
  });
  if (!response.ok || response.body === null) {
    throw new ControlError(`${name} answers ${response.status}: ${await response.text()}`);
  }
  // A pipe to `head` ends early; the book is then simply not wanted any further.
  const csv = Readable.fromWeb(response.body);
  const text = json ? Readable.from(asObjects(createInterface({ input: csv }))) : csv;
  await pipeline(text, process.stdout, { end: false }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error;
  });
}

async function* asObjects(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let isHeading = true;
  for await (const line of lines) {
    const [number, name, type, quantity] = line.split(',');
    if (!isHeading)
      yield `${JSON.stringify({ number: Number(number), name, type, quantity: Number(quantity) })}\n`;
    isHeading = false;
  }
}
