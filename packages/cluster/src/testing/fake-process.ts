/**
 * Fake of every process of a cluster: takes their flags, serves `/readyz` and `/status`, ends with its parent.
 * Replica 1 leads. `FAKE=damaged` and `FAKE=crash` make it exit like a damaged or a crashed process.
 */
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  strict: false,
  options: { id: { type: 'string' }, port: { type: 'string' }, 'peer-port': { type: 'string' } },
});

function log(level: string, msg: string, fields: object = {}): void {
  console.log(JSON.stringify({ level, time: Date.now(), service: 'fake', id: values.id, msg, ...fields }));
}

switch (process.env['FAKE']) {
  case 'damaged':
    log('fatal', 'record 7 has a wrong checksum', { file: '000003.log' });
    process.exit(65);
    break;
  case 'crash':
    console.error('plain words');
    log('fatal', 'it broke');
    process.exit(70);
    break;
  default:
}

const server = createServer((request, response) => {
  const leads = values.id === '1' && values['peer-port'] !== undefined;
  const body = request.url === '/status' ? { role: leads ? 'leader' : 'follower', term: 3 } : {};
  response.end(JSON.stringify(body));
});
server.listen(Number(values.port), '127.0.0.1', () =>
  log('info', 'listening', { argv: process.argv.slice(2) }),
);

function stop(why: string): void {
  log('info', 'stopping', { why });
  // A test checks the order in which processes stop: exit only after the line is written.
  setImmediate(() => process.exit(0));
}
process.on('SIGTERM', () => stop('SIGTERM'));
process.stdin.on('end', () => stop('parent')).resume();
