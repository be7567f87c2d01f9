/** Clients that take their time, so as to hold what a server has few of: for every port alike. */
import { requestText, type Attack, type Base, type Step } from './attack.js';

/** Longer than any port waits for headers or a body. */
const DRIPS = 60;
const DRIP_MS = 400;
/** Longer than any port lets a connection idle on which nothing has come, as pools open them ahead of need. */
const IDLE_MS_MAX = 90_000;

/** More answers than the buffers of the system take, of the longest that any cluster has. */
const UNREAD = 1_000;
/** Longer than a client may take nothing of an answer. */
const UNREAD_MS_MAX = 60_000;

/** A client that asks for much and reads none of it. */
export function readerAttacks(): Attack[] {
  const request = 'GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n';
  return [
    {
      ...{ port: 'public', kind: 'reader that does not read', name: `${UNREAD} requests behind each other` },
      steps: [request.repeat(UNREAD)],
      patienceMs: UNREAD_MS_MAX,
      isDeaf: true,
    },
  ];
}

export function slowAttacks(base: Base): Attack[] {
  const { port } = base;
  const drip = (text: string): Step[] => text.split('').flatMap((byte): Step[] => [byte, DRIP_MS]);
  const samples: readonly (readonly [string, readonly Step[]])[] = [
    ['a request line, byte by byte', drip(requestText(base).slice(0, DRIPS))],
    [
      'headers that never end',
      [
        'GET / HTTP/1.1\r\n',
        ...Array.from({ length: DRIPS }, (_, i): Step[] => [`x-${i}: y\r\n`, DRIP_MS]).flat(),
      ],
    ],
    ['half a header, then silence', ['GET / HTTP/1.1\r\nhost: x\r\nx-half: ']],
    ['a body, byte by byte', [requestText(base, ['content-length: 1000'], ''), ...drip(' '.repeat(DRIPS))]],
    ['a body that does not come', [requestText(base, ['content-length: 1000'], '')]],
    [
      'chunks, byte by byte',
      [requestText(base, ['transfer-encoding: chunked'], ''), ...drip('1\r\nx\r\n'.repeat(10))],
    ],
  ];
  return [
    { port, kind: 'slow', name: 'a connection that says nothing', steps: [], patienceMs: IDLE_MS_MAX },
    ...samples.map(([name, steps]) => ({ port, kind: 'slow', name, steps })),
  ];
}
