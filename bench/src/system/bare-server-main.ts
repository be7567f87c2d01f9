/**
 * The minimal work of Node for a request: one `node:http` process that answers every request with the same
 * headers and body. It reads them as JSON from standard input, prints its port, and exits when standard input
 * closes.
 */
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

const lines = createInterface({ input: process.stdin });

lines.once('line', (line) => {
  const { headers, body } = JSON.parse(line) as { headers: Record<string, string>; body: string };
  const bytes = Buffer.from(body, 'utf8');
  const server = createServer((_, response) => {
    response.writeHead(200, headers);
    response.end(bytes);
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (address !== null && typeof address !== 'string') process.stdout.write(`${address.port}\n`);
  });
});

lines.once('close', () => process.exit(0));
