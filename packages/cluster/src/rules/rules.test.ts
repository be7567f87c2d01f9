import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findLeader, parseReplicaStatus } from './leader.js';
import { LineSplitter } from './line-splitter.js';
import { formatLogLine, READABLE_LENGTH_MAX } from './log-line.js';
import {
  catalogPort,
  namedPorts,
  parsePortRanges,
  planPorts,
  replicaPorts,
  describeEphemeralPorts,
} from './ports.js';
import { iptablesRules } from './packet-filter.js';
import { catalogNumber, parseTarget, replicaNumber } from './target.js';

test('planPorts derives distinct ports from the base', () => {
  const plan = planPorts(8080, 5, 16, 16);
  assert.is(plan.frontends.at(-1), 8095);
  assert.equal(
    plan.replicas.map(({ id, port, peerPort }) => [id, port, peerPort]),
    [1, 2, 3, 4, 5].map((id) => [id, 8190 + id, 8200 + id]),
  );
  assert.equal(replicaPorts(8080, 9), { id: 9, port: 8199, peerPort: 8209 });
  const ports = namedPorts(plan).map(([, port]) => port);
  assert.is(new Set(ports).size, 16 + 16 + 5 + 5 + 1);
  assert.equal([plan.catalogs.at(0), plan.catalogs.at(-1)?.port], [{ id: 1, port: 8161 }, 8176]);
  assert.ok(ports.includes(8210));
  assert.equal(planPorts(8080, 3, 1, 0).catalogs, []);
});

test('planPorts names the option that is out of bounds', () => {
  assert.throws(() => planPorts(0, 3, 1, 2), /port must/);
  assert.throws(() => planPorts(65_406, 3, 1, 2), /port must/);
  assert.throws(() => planPorts(80.5, 3, 1, 2), /port must/);
  assert.throws(() => planPorts(8080, 4, 1, 2), /replicas must be one of 1, 3, 5/);
  assert.throws(() => planPorts(8080, 3, 0, 2), /frontends must/);
  assert.throws(() => planPorts(8080, 3, 17, 2), /frontends must/);
  for (const count of [-1, 17, 0.5])
    assert.throws(() => planPorts(8080, 3, 1, count), /catalogs must be a whole number from 0 to 16/);
  for (const id of [0, 17, 1.5]) assert.throws(() => catalogPort(8080, id), /from 1 to 16/);
  for (const id of [0, 10, 1.5]) assert.throws(() => replicaPorts(8080, id), /from 1 to 9/);
});

test('LineSplitter splits lines across chunks, and returns an incomplete last line', () => {
  const splitter = new LineSplitter(100);
  assert.equal(splitter.push('a'), []);
  assert.equal(splitter.push('b\nc\n\nd'), ['ab', 'c']);
  assert.equal(splitter.end(), ['d']);
  assert.equal(splitter.end(), []);
});

test('LineSplitter cuts a long line and keeps the next one complete', () => {
  const splitter = new LineSplitter(4);
  assert.equal(splitter.push('1234\n12345'), ['1234']);
  assert.equal(splitter.push('6789'), []);
  assert.equal(splitter.push('\nok\n'), ['1234 [cut]', 'ok']);
});

test('readLogLine formats a JSON line', () => {
  const line = JSON.stringify({
    level: 'warn',
    time: 1,
    pid: 2,
    hostname: 'h',
    service: 's',
    id: '1',
    msg: 'lost its leader',
    term: 4,
    peer: 'a b',
    plain: 'x',
    list: [1],
    none: null,
  });
  const { readable, failure } = formatLogLine(line);
  assert.is(readable, 'WARN lost its leader term=4 peer="a b" plain=x list=[1] none=null');
  assert.is(failure, null);
});

test('readLogLine returns message and code of an error as a failure', () => {
  const text = 'stopped err="disk full (ENOSPC)"';
  const line = { level: 'fatal', msg: 'stopped', err: { message: 'disk full', code: 'ENOSPC', stack: 'x' } };
  assert.equal(formatLogLine(JSON.stringify(line)), {
    readable: `FATAL ${text}`,
    level: 'fatal',
    failure: text,
  });
  const bare = { level: 'error', err: { message: 'no code' } };
  assert.is(formatLogLine(JSON.stringify(bare)).failure, 'err="no code"');
});

test('readLogLine bounds a line that is not JSON and removes control characters', () => {
  assert.is(formatLogLine('\u001b[31mred').readable, ' [31mred');
  assert.is(formatLogLine('{broken').readable, '{broken');
  assert.is(formatLogLine('{"level":"debug","msg":"x"}').readable, 'DEBUG x');
  assert.is(formatLogLine('{"level":null}').readable, 'INFO ');
  const { readable } = formatLogLine('x'.repeat(5000));
  assert.is(readable.length, READABLE_LENGTH_MAX);
  assert.match(readable, / \[cut\]$/);
});

test('parseTarget reads names, numbers and keywords', () => {
  assert.equal(parseTarget('2'), { kind: 'process', name: 'replica-2' });
  assert.equal(parseTarget('replica-2'), { kind: 'process', name: 'replica-2' });
  assert.equal(parseTarget('catalog-1'), { kind: 'process', name: 'catalog-1' });
  assert.equal(parseTarget('frontend-1'), { kind: 'process', name: 'frontend-1' });
  assert.is(replicaNumber('replica-2'), 2);
  assert.equal(parseTarget('leader'), { kind: 'leader' });
  assert.equal(parseTarget('all-replicas'), { kind: 'allReplicas' });
  assert.equal(parseTarget('all-catalogs'), { kind: 'allCatalogs' });
  assert.equal([catalogNumber('catalog-12'), catalogNumber('replica-2')], [12, null]);
  assert.is(replicaNumber('catalog-1'), null);
  for (const bad of ['', '0', '100', 'catalog', 'catalog-0', 'frontend', '../x', 'Leader']) {
    assert.is(parseTarget(bad), null, bad);
    assert.is(replicaNumber(bad), null, bad);
  }
});

test('findLeader returns the leader with the highest term', () => {
  const old = { role: 'leader', term: 3 };
  const young = { role: 'leader', term: 4 };
  assert.is(
    findLeader([
      { name: 'replica-1', status: old },
      { name: 'replica-2', status: young },
      { name: 'replica-3', status: null },
    ]),
    'replica-2',
  );
  assert.is(
    findLeader([
      { name: 'replica-2', status: young },
      { name: 'replica-1', status: old },
    ]),
    'replica-2',
  );
  assert.is(findLeader([{ name: 'replica-1', status: { role: 'follower', term: 9 } }]), null);
});

test('parseReplicaStatus returns null for an invalid answer', () => {
  assert.equal(parseReplicaStatus({ role: 'leader', term: 1, more: true }), { role: 'leader', term: 1 });
  for (const bad of [
    null,
    'x',
    {},
    { role: 'leader' },
    { role: 1, term: 1 },
    { role: 'leader', term: '1' },
  ]) {
    assert.is(parseReplicaStatus(bad), null);
  }
});

test('packetFilter writes the whole table', () => {
  const lines = iptablesRules([
    { from: '10.0.0.1', lost: 1 },
    { from: '10.0.0.2', lost: 0.25 },
    { from: '10.0.0.3', lost: 0 },
  ]).split('\n');
  assert.equal(lines, [
    '*filter',
    ':INPUT ACCEPT',
    ':FORWARD ACCEPT',
    ':OUTPUT ACCEPT',
    '-A INPUT -s 10.0.0.1 -j DROP',
    '-A INPUT -s 10.0.0.2 -m statistic --mode random --probability 0.2500 -j DROP',
    'COMMIT',
    '',
  ]);
});

test('packetFilter rejects invalid addresses and shares', () => {
  for (const from of ['', 'host', '10.0.0.1 -j ACCEPT', '10.0.0.1/8']) {
    assert.throws(() => iptablesRules([{ from, lost: 1 }]), /invalid IPv4 address/);
  }
  for (const lost of [-0.1, 1.1, NaN])
    assert.throws(() => iptablesRules([{ from: '10.0.0.1', lost }]), /share of lost packets must be/);
});

test('warnOfGivenPorts warns of ports in the range for outgoing connections', () => {
  const [given] = parsePortRanges('32768\t60999\n');
  assert.equal(given, { first: 32_768, last: 60_999 });
  assert.equal(parsePortRanges('8080,9000-9010\n'), [
    { first: 8080, last: 8080 },
    { first: 9000, last: 9010 },
  ]);
  assert.equal(parsePortRanges('\n'), []);
  const warn = (base: number, reserved = ''): string | null =>
    describeEphemeralPorts(
      planPorts(base, 3, 1, 2),
      given ?? { first: 0, last: 0 },
      parsePortRanges(reserved),
    );
  assert.is(warn(8080), null);
  assert.is(warn(32_637), null);
  assert.match(warn(32_638) ?? '', /^port 32768 \(the control server\) is in 32768-60999/);
  const many = warn(40_000) ?? '';
  assert.match(
    many,
    /^port 40000 \(frontend-1\) and 9 more are in .* \(--port\) of at most 32637, or .*=40000-40130$/,
  );
  assert.is(warn(40_000, '40000-40130'), null);
  assert.is(warn(61_000), null);
});

test.run();
