import { createLog, Metrics } from '@trireme/service';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PeerMonitor } from './peer-monitor.js';

function watch(): { peers: PeerMonitor; lines: string[]; clock: { now: number }; metrics: Metrics } {
  const lines: string[] = [];
  const log = createLog(
    { service: 'replica', id: '1', level: 'info', context: () => ({ term: 7 }) },
    { write: (line) => void lines.push(line) },
  );
  const clock = { now: 0 };
  const metrics = new Metrics({ service: 'replica', id: '1' });
  const fatal = (error: unknown): never => {
    throw error;
  };
  return { peers: new PeerMonitor({ log, metrics, fatal, now: () => clock.now }), lines, clock, metrics };
}

test('onEvent logs links and counts them while they are open', async () => {
  const { peers, lines, metrics } = watch();
  peers.onEvent({ type: 'connected', peer: '2', direction: 'in', version: 12 });
  peers.onEvent({ type: 'connected', peer: '2', direction: 'out', version: 12 });
  peers.onEvent({ type: 'disconnected', peer: '2', direction: 'in', code: 'ENDED', message: 'ended' });
  peers.onEvent({
    type: 'dialFailed',
    peer: '3',
    code: 'DIAL_FAILED',
    message: 'ECONNREFUSED',
    status: null,
  });
  peers.onEvent({ type: 'dropped', peer: '3', reason: 'noLink' });
  const { text } = await metrics.page();
  assert.match(text, 'trireme_network_active_peers{peer="2",direction="out"} 1');
  assert.not.match(text, 'direction="in"');
  assert.match(text, 'trireme_network_peer_events_total{kind="dropped",peer="3",reason="noLink"} 1');
  assert.is(lines.length, 4, 'dropped messages are logged at debug level only');
  assert.match(lines[3] ?? '', '"term":7');
});

test('onEvent logs refused handshakes by reason, at a limited rate', async () => {
  const { peers, lines, clock, metrics } = watch();
  const refused = { type: 'refused', address: '127.0.0.1:5', message: 'who?' } as const;
  for (let i = 0; i < 1_000; i += 1) peers.onEvent({ ...refused, status: 'WRONG_SECRET' });
  peers.onEvent({ ...refused, status: 'WRONG_CLUSTER' });
  clock.now = 1_000;
  peers.onEvent({ ...refused, status: 'WRONG_SECRET' });
  assert.equal(
    lines.map((line) => {
      const { status, suppressed, level } = JSON.parse(line) as Record<string, unknown>;
      return [status, suppressed, level];
    }),
    [
      ['WRONG_SECRET', 0, 'warn'],
      ['WRONG_CLUSTER', 0, 'warn'],
      ['WRONG_SECRET', 999, 'warn'],
    ],
  );
  const { text } = await metrics.page();
  assert.match(text, 'trireme_network_peer_events_total{kind="refused",reason="WRONG_SECRET"} 1001');
});

test.run();
