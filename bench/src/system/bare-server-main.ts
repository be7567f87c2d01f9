/**
 * The least that Node can do for a look-up: one `node:http` process that answers every request with the same headers and
 * body. They come as JSON on standard input, which also ends it when it ends; its port goes to standard output.
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
