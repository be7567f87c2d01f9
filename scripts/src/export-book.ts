/** Writes a replica's order book to standard output: CSV (`number,name,type,quantity`) or one JSON object per line. */
import { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import type { InternalClient } from '@trireme/cluster';
import { ControlError } from './control/client.js';

/**
 * @param name how errors name the replica
 * @throws ControlError if the replica does not answer or refuses.
 */
export async function exportBook(
  name: string,
  url: string,
  calls: InternalClient,
  json = false,
): Promise<void> {
  const response = await calls.openStream(`${url}/export`).catch((error: unknown) => {
    throw new ControlError(`${name} does not answer at ${url}: start it first`, { cause: error });
  });
  if (!response.ok || response.body === null) {
    throw new ControlError(
      `${name} refuses the export with status ${response.status}: ${await response.text()}`,
    );
  }
  // A reader such as `head` may close the pipe early, which is not an error.
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
