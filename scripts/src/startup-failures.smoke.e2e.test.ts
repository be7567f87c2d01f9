/** Operator mistakes at the start of a process: each ends it with its exit code, cause and advice. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findFreeBasePort } from '@trireme/cluster';
import { ROOT } from './root.js';

interface Context {
  folder: string;
  port: number;
  taken: number;
  holder: Server;
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
}

type Row = readonly [what: string, argv: readonly string[], code: number, cause: RegExp, advice: RegExp];

/** Processes in parallel. */
const PARALLEL = 3;
const NOBODY = 65_534;

const test = suite<Context>('startup failures');

test.before(async (context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'trireme-startup-'));
  context.port = await findFreeBasePort(3, 1);
  context.holder = createServer().listen(0, '127.0.0.1');
  await once(context.holder, 'listening');
  context.taken = (context.holder.address() as AddressInfo).port;
});

test.after(({ folder, holder }) => {
  holder.close();
  rmSync(folder, { recursive: true });
});

/** Runs a process to its end; with `until`, stops it once its output contains that text. */
async function run(argv: readonly string[], options: { until?: string; uid?: number } = {}): Promise<Ended> {
  const { until, uid } = options;
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Another user cannot write the coverage of this run.
    ...(uid === undefined ? {} : { uid, gid: uid, env: { ...process.env, NODE_V8_COVERAGE: undefined } }),
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      if (until !== undefined && out.includes(until)) child.kill('SIGTERM');
    });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out };
}

/** Message and advice of the last log line. */
function lastLine({ out }: Ended): { readonly msg: string; readonly advice: string } {
  const line = out.trim().split('\n').at(-1) ?? '';
  const { msg = '', advice = '' } = JSON.parse(line) as { msg?: string; advice?: string };
  return { msg, advice };
}

const main = (name: string): string => join(ROOT, `packages/${name}/dist/main.js`);

function replica({ port }: Context, data: string, ...more: readonly string[]): readonly string[] {
  const peers = ['--peers', `1=http://127.0.0.1:${port + 1}`, '--peer-port', String(port + 1)];
  const where = ['--id', '1', '--port', String(port), ...peers];
  return [main('orders'), '--data', data, ...where, ...more];
}

const catalog = ({ port }: Context, ...more: readonly string[]): readonly string[] => [
  ...[
    main('catalog'),
    '--id',
    'catalog-1',
    '--port',
    String(port + 2),
    '--replicas',
    '1=http://127.0.0.1:9',
    ...more,
  ],
];

const frontend = ({ port }: Context, ...more: readonly string[]): readonly string[] => [
  ...[main('frontend'), '--port', String(port + 3), '--replicas', '1=http://127.0.0.1:9', ...more],
];

async function check(rows: readonly Row[]): Promise<void> {
  const left = [...rows];
  const worker = async (): Promise<void> => {
    for (let row = left.shift(); row !== undefined; row = left.shift()) {
      const [what, argv, code, cause, advice] = row;
      const ended = await run(argv);
      assert.is(ended.code, code, `${what}: ${ended.out}`);
      const last = lastLine(ended);
      assert.match(last.msg, cause, what);
      assert.match(last.advice, advice, what);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

test('each mistake ends the process with its exit code, cause and advice', async (context) => {
  const { folder, taken } = context;
  const at = (name: string): string => join(folder, name);
  await run(replica(context, at('replica'), '--bootstrap'), { until: '"replica listens"' });
  await run(catalog(context), { until: '"catalog is listening"' });
  mkdirSync(at('other'));
  writeFileSync(at('other/CURRENT'), 'MANIFEST-000002\n');
  writeFileSync(at('file'), 'no folder');
  writeFileSync(at('short'), 'abc');
  const pem = ['--tls-ca', at('file'), '--tls-cert', at('file'), '--tls-key', at('file')];
  const used = String(taken);
  await check([
    ['data folder is a file', replica(context, at('file')), 73, /EEXIST/, /^use another folder: /],
    ['data folder below a file', replica(context, at('file/x')), 73, /ENOTDIR/, /^use another folder: /],
    [
      'cluster',
      replica(context, at('replica'), '--cluster', 'o'),
      64,
      /belongs to cluster/,
      /--cluster must belong/,
    ],
    [
      'store of another program',
      replica(context, at('other')),
      64,
      /not a replica's data folder/,
      /--data, --id and --cluster/,
    ],
    [
      'port',
      frontend(context, '--port', used),
      69,
      /EADDRINUSE/,
      /^another process is listening on this port/,
    ],
    ['peer port', replica(context, at('replica'), '--peer-port', used), 69, /EADDRINUSE/, /use another port/],
    [
      'host',
      frontend(context, '--host', '203.0.113.1'),
      64,
      /EADDRNOTAVAIL/,
      /^set --host to an address of this/,
    ],
    [
      'host name',
      frontend(context, '--host', 'no-such-host.invalid'),
      64,
      /ENOTFOUND|EAI_AGAIN/,
      /^correct the host name no-such-host\.invalid in --host or in a URL/,
    ],
    [
      'no secret',
      replica(context, at('r'), '--secret-file', at('none')),
      64,
      /cannot read the secret file .*ENOENT/,
      /--help/,
    ],
    ['short secret', catalog(context, '--secret-file', at('short')), 64, /must have 16 to 512/, /--help/],
    [
      'no token',
      frontend(context, '--operator-token-file', at('none')),
      64,
      /cannot read the secret file/,
      /--help/,
    ],
    ['no certificates', replica(context, at('r'), ...pem), 64, /cannot use \S+ with \S+ and \S+: /, /--help/],
    [
      'incomplete certificates',
      catalog(context, ...pem.slice(0, 2)),
      64,
      /--tls-key must be given together/,
      /--help/,
    ],
    ['peers', replica(context, at('r'), '--peers', 'x'), 64, /--peers: /, /--help/],
    [
      'catalogs',
      replica(context, at('r'), '--catalogs', 'replica-1'),
      64,
      /--catalogs: invalid catalog id/,
      /--help/,
    ],
    [
      'duplicate catalog',
      replica(context, at('r'), '--catalogs', 'catalog,catalog'),
      64,
      /--catalogs: .*set of catalogs has a duplicate id/,
      /--help/,
    ],
    [
      'no seed file',
      replica(context, at('r'), '--seed-file', at('none')),
      64,
      /seed file .*ENOENT/,
      /^correct the seed file/,
    ],
    [
      'bad seed file',
      replica(context, at('r'), '--seed-file', at('file')),
      64,
      /seed file .*JSON/,
      /^correct the seed file/,
    ],
  ]);
});

test('a folder without write permission ends the process with exit code 73 and advice', async (context) => {
  if (process.getuid?.() !== 0) {
    console.log('SKIPPED folder without write permission: only root can start a process as another user');
    return;
  }
  const { folder } = context;
  mkdirSync(join(folder, 'closed'), { mode: 0o700 });
  const ended = await run(replica(context, join(folder, 'closed/r')), { uid: NOBODY });
  assert.is(ended.code, 73, ended.out);
  assert.match(lastLine(ended).advice, /^give the user of this process read and write access to /);
});

test('npm start ends with the same exit codes', async ({ folder, port, taken }) => {
  const start = join(ROOT, 'scripts/dist/start.js');
  mkdirSync(join(folder, 'foreign'));
  writeFileSync(join(folder, 'foreign/notes'), 'not a cluster’s');
  writeFileSync(join(folder, 'plain'), 'no folder');
  const rows: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['--data', join(folder, 'plain'), '--port', String(port)], 73, /EEXIST.*: use another folder/],
    [
      ['--data', join(folder, 'foreign'), '--fresh', '--port', String(port)],
      64,
      /cannot empty \S+foreign: it contains notes/,
    ],
    [['--data', join(folder, 'n'), '--port', String(taken)], 69, /in use|taken/],
    [['--data', join(folder, 'n'), '--port', 'many'], 64, /whole number/],
  ];
  for (const [args, code, text] of rows) {
    const ended = await run([start, ...args]);
    assert.is(ended.code, code, ended.out);
    assert.match(ended.out, text);
  }
});

test.run();
