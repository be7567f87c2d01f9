/** What each internal port is attacked with, beside bad HTTP: by strangers, and by who has stolen the secret. */
import { PROTOCOL_VERSION, pack } from '@trireme/domain';
import { FIN, requestText, wholeRequest, type Attack, type Base, type Port, type Step } from './attack.js';
import {
  frameAttacks,
  handshakeAttacks,
  ignoredMessage,
  messageAttacks,
  type Door,
} from './frame-attacks.js';

interface Cluster {
  readonly name: string;
  readonly secret: string;
}

/** A log index that no log of a test comes to: whatever speaks of it has no effect. */
const FAR = 2 ** 40;

function door(port: Port, path: string, { name, secret }: Cluster): Door {
  return {
    ...{ port, path },
    headers: {
      'x-trireme-secret': secret,
      'x-trireme-cluster': name,
      'x-trireme-version': String(PROTOCOL_VERSION),
      'x-trireme-name': 'hostile',
    },
  };
}

/** Links of front-ends to a replica. */
export function* replicaAttacks(cluster: Cluster): Generator<Attack> {
  const links = door('replica', '/links/frontend', cluster);
  yield* handshakeAttacks(links);
  yield* frameAttacks(links, { t: 'get', items: [[1, 1, false]] });
  // An order of nothing: whatever any one field becomes, it is none.
  yield* messageAttacks(links, 'submit', { t: 'submit', items: [[1, 0, 'hostile', 'AAPL', 0]] });
  // 62 characters and half a pair: more than the bound once it is encoded.
  const name = `${'x'.repeat(62)}\ud83d`;
  const bad: readonly (readonly [string, unknown])[] = [
    ['a name that grows when it is encoded', { t: 'submit', items: [[1, 0, 'hostile', name, 1]] }],
    ['a key that is none', { t: 'submit', items: [[1, 0, 'caf\u00e9', 'AAPL', 1]] }],
    ['a name for a list that is none', { t: 'list', id: 1, after: 0, limit: 1, name }],
  ];
  for (const [what, message] of bad) yield ignoredMessage(links, 'invalid item', what, message);
  yield* messageAttacks(links, 'get', { t: 'get', items: [[1, 1, false]] });
  yield* messageAttacks(links, 'list', { t: 'list', id: 1, after: 0, limit: 1, name: null });
  yield* routeAttacks('replica', '/export');
  yield* routeAttacks('replica', '/catalogs');
}

/** Links of front-ends to a catalog, and those of catalogs to a replica. */
export function* catalogAttacks(cluster: Cluster): Generator<Attack> {
  const frontends = door('catalog', '/links/frontend', cluster);
  const catalogs = door('replica', '/links/catalog', cluster);
  const hello = { t: 'hello', url: 'http://127.0.0.1:9' };
  const attach = {
    ...{ t: 'attach', term: FAR, process: '0'.repeat(16), visible: FAR, hadAuthority: false },
    ...{ life: '0'.repeat(16), lastIndex: FAR, hash: '0'.repeat(64) },
  };
  yield* [frontends, catalogs].flatMap(handshakeAttacks);
  yield* frameAttacks(frontends, { t: 'lookup', items: [[1, 'AAPL']] });
  yield* frameAttacks(catalogs, hello);
  yield* messageAttacks(frontends, 'renew', { t: 'renew', id: 1 });
  yield* messageAttacks(frontends, 'lookup', { t: 'lookup', items: [[1, 'AAPL']] });
  yield* messageAttacks(frontends, 'list', { t: 'list', id: 1, after: '', limit: 1 });
  yield* messageAttacks(frontends, 'dropped', { t: 'dropped', seq: 1 });
  yield* messageAttacks(catalogs, 'hello', hello);
  yield* messageAttacks(catalogs, 'attach', attach);
  yield* messageAttacks(catalogs, 'requestAuthority', { t: 'requestAuthority', id: 1 });
  yield* messageAttacks(catalogs, 'revoked', { t: 'revoked', index: FAR });
  yield ignoredMessage(catalogs, 'not in the set', 'a catalog that says where it is', hello);
  yield ignoredMessage(catalogs, 'not in the set', 'a catalog that attaches', attach);
  yield ignoredMessage(catalogs, 'not in the set', 'a catalog that asks for authority', {
    ...{ t: 'requestAuthority', id: 1 },
  });
  yield* routeAttacks('catalog', '/export');
}

/** A guarded route, from who has no right to it. */
function routeAttacks(port: Port, path: string): Attack[] {
  const secrets = ['', 'x', 'x'.repeat(64), '0', 'null', '\u00e9'];
  return secrets.map((secret) => {
    const headers = { host: 'x', connection: 'close', 'x-trireme-secret': secret };
    const base: Base = { port, method: 'GET', path, headers, body: '' };
    return {
      port,
      kind: 'guarded route',
      name: `${path} with ${secret.slice(0, 4)}`,
      steps: [requestText(base)],
    };
  });
}

/** Member `as` of the group, impersonated before member `to`. */
export interface Impersonated extends Cluster {
  readonly as: string;
  readonly to: string;
  /** Of the messages between members. */
  readonly version: string;
}

/** Numbers of messages with what follows type, sender, recipient and term; all of them old, so that none counts. */
const MESSAGES: readonly (readonly [name: string, code: number, ...fields: unknown[]])[] = [
  ['pre-vote request', 0, 0, 0],
  ['pre-vote response', 1, true, 0, 0],
  ['vote request', 2, 0, 0, false],
  ['vote response', 3, true],
  ['append', 4, 0, 0, 0, []],
  ['append of an entry', 4, 0, 0, 0, [Buffer.alloc(40)]],
  ['append accepted', 5, FAR],
  ['append rejected', 6, 0, 0, 0],
  ['heartbeat', 7, 0, 0],
  ['heartbeat response', 8, FAR],
  ['timeout now', 9],
  ['read request', 10, 1],
  ['read response', 11, FAR, 0],
];

function raftDoor({ as, to, name, secret, version }: Impersonated): Door {
  return {
    ...{ port: 'peer', path: '/raft' },
    headers: {
      'x-raft-secret': secret,
      'x-raft-cluster': name,
      'x-raft-version': version,
      'x-raft-from': as,
      'x-raft-to': to,
    },
  };
}

export function* peerAttacks(who: Impersonated): Generator<Attack> {
  const { as, to } = who;
  const raft = raftDoor(who);
  yield* handshakeAttacks(raft);
  yield* frameAttacks(raft, [8, as, to, 0, FAR]);
  for (const [name, code, ...fields] of MESSAGES)
    yield* messageAttacks(raft, name, [code, as, to, 0, ...fields]);
  for (const id of ['7', to, '', as.repeat(200)]) {
    const kind = 'another sender or recipient';
    yield ignoredMessage(raft, kind, `from ${id.slice(0, 9)}`, [8, id, to, 0, FAR]);
    yield ignoredMessage(raft, kind, `to ${id.slice(0, 9)}`, [8, as, id === to ? as : id, 0, FAR]);
  }
  yield* snapshotAttacks(raft);
  yield* routeAttacks('peer', '/raft/founding');
}

/** What a voter said once, said again. @param terms older than the one that the group is in */
export function* oldMessageAttacks(who: Impersonated, terms: readonly number[]): Generator<Attack> {
  const raft = raftDoor(who);
  for (const term of terms) {
    for (const [name, code, ...fields] of MESSAGES) {
      if (name === 'append of an entry') continue;
      const message = [code, who.as, who.to, term, ...fields];
      yield ignoredMessage(raft, 'message of an old term', `${name} of term ${term}`, message);
    }
  }
}

/** Snapshots are posted to the same port. */
function snapshotAttacks({ headers }: Door): Attack[] {
  const base: Base = {
    ...{ port: 'peer', method: 'POST', path: '/raft/snapshot', body: '' },
    headers: { host: 'x', 'content-type': 'application/octet-stream', connection: 'close', ...headers },
  };
  const head = Buffer.alloc(8);
  head.writeUInt32BE(64 * 1024 * 1024);
  const bodies: readonly (readonly [string, ...Step[]])[] = [
    ['nothing', ''],
    ['an end at once', Buffer.alloc(16)],
    ['a frame that is cut', Buffer.from([0, 0, 0, 40, 1, 2, 3, 4, 5])],
    ['a wrong checksum', Buffer.concat([Buffer.from([0, 0, 0, 4, 1, 2, 3, 4]), pack('abc')])],
    ['a frame of 64 MiB', head],
    [
      'a head of ones',
      Buffer.concat([Buffer.from([0, 0, 0, 32, 0xff, 0x6c, 0xab, 0x0b]), Buffer.alloc(32, 0xff)]),
    ],
    ['random', Buffer.from('f3a1d94e0c77b25581e6c39a4cd07f2b', 'hex')],
  ];
  const stranger = { ...base, headers: { ...base.headers, 'x-raft-secret': 'x' } };
  const of = (name: string, from: Base, body: Step): Attack => {
    const text = requestText(from, ['transfer-encoding: chunked'], '');
    const bytes = Buffer.from(typeof body === 'string' ? body : (body as Uint8Array));
    const chunk =
      bytes.length === 0
        ? bytes
        : Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
    return { port: 'peer', kind: 'bad snapshot', name, steps: [text, chunk, '0\r\n\r\n'] };
  };
  return [
    ...bodies.map(([name, body = '']) => of(name, base, body)),
    ...bodies.map(([name, body = '']) => of(`${name}, of a stranger`, stranger, body)),
    {
      port: 'peer',
      kind: 'bad snapshot',
      name: 'cut',
      steps: [requestText(base, ['content-length: 1000'], ''), 'x', FIN],
    },
  ];
}

export const CONTROL_BASE: Base = {
  port: 'control',
  method: 'POST',
  path: '/kill?target=nobody',
  headers: { host: 'x', connection: 'close' },
  body: '',
};

/** None of these names a process that may be steered so. */
export function controlAttacks(secret: string): Attack[] {
  const inside = { ...CONTROL_BASE, headers: { ...CONTROL_BASE.headers, 'x-trireme-secret': secret } };
  const targets = [
    '',
    'nobody',
    '0',
    '99',
    '-1',
    '1.5',
    'replica-99',
    '../../x',
    '__proto__',
    'constructor',
    '%00',
    'x'.repeat(8_000),
    'leader;ls',
  ];
  const asks = [
    ...targets.flatMap((name) => [`/kill?target=${name}`, `/start?name=${name}`, `/ready?name=${name}`]),
    ...[
      '/',
      '//',
      '//[',
      '/kill',
      '/start',
      '/ready',
      '/__proto__',
      '/kill/../kill',
      '/start?name=replica-1',
      '/start?name=catalog-1',
    ],
  ];
  const of = (kind: string, base: Base): Attack => ({
    ...{ port: 'control', kind },
    name: `${base.method} ${base.path.slice(0, 40)}`,
    steps: [wholeRequest(base)],
  });
  return [
    ...asks.flatMap((path) => [
      of('steering without the secret', { ...CONTROL_BASE, path }),
      of('steering nobody', { ...inside, path }),
      of('wrong method', { ...inside, method: 'GET', path }),
    ]),
    ...['/kill?target=leader', '/kill?target=all-replicas', '/kill?target=catalog-1'].flatMap((path) => [
      of('steering without the secret', { ...CONTROL_BASE, path }),
      of('wrong method', { ...inside, method: 'PUT', path }),
    ]),
    of('a body', { ...inside, path: '/x', body: 'x'.repeat(1_000_000) }),
  ];
}
