/** `trireme export`: prints a replica's order book as CSV (`number,name,type,quantity`) or as one JSON object per line. */
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ControlError, type InternalClient } from '@trireme/cluster';
import { COMMAND_EXIT, CommandError } from '../errors.js';
import type { GroupClient } from './group-client.js';

/**
 * Writes the book of the replica `name`, or of the leader if it is null, to standard output. The book of a named
 * replica can be read even if no replica leads.
 * @throws CommandError `unavailable`, `denied`, or `refused` if the group does not know the replica; ControlError if
 *   the replica does not answer or refuses.
 */
export async function exportBook(
  name: string | null,
  {
    client,
    calls,
    json,
  }: { readonly client: GroupClient; readonly calls: InternalClient; readonly json: boolean },
): Promise<void> {
  const { self, members } = await (name === null ? client.group() : client.anyGroup());
  const replica = `replica ${name ?? self}`;
  const member = members.find((one) => (name === null ? one.id === self : one.name === name));
  const url = member?.url ?? null;
  if (url === null)
    throw new CommandError(
      COMMAND_EXIT.refused,
      `the group has no URL of ${replica}: see trireme members list`,
    );
  const response = await calls.openStream(`${url}/export`).catch((error: unknown) => {
    throw new ControlError(`${replica} does not answer at ${url}: start it first`, { cause: error });
  });
  if (!response.ok || response.body === null) {
    throw new ControlError(
      `${replica} refuses the export with status ${response.status}: ${await response.text()}`,
    );
  }
  // A reader such as `head` may close the pipe early, which is not an error.
  const csv = Readable.fromWeb(response.body);
  const text = json ? Readable.from(asObjects(createInterface({ input: csv }))) : csv;
  await pipeline(text, process.stdout, { end: false }).catch((error: unknown) => {
    // fetch ends a body whose connection breaks with a TypeError.
    if (error instanceof TypeError)
      throw new Error(`${replica} stopped sending: the output is incomplete, run the same command again`, {
        cause: error,
      });
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
