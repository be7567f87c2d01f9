import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { KnownHosts } from './known-hosts.js';

test('a host is known once a request with it was found valid', () => {
  const hosts = new KnownHosts();
  hosts.admit(undefined);
  assert.not(hosts.has(undefined));
  assert.not(hosts.has('a'));
  hosts.admit('a');
  assert.ok(hosts.has('a'));
  assert.not(hosts.has('b'));
});

test('who makes up hosts does not keep others from being known', () => {
  const hosts = new KnownHosts();
  hosts.admit('a');
  for (let i = 0; i < 64; i += 1) hosts.admit(`made-up-${i}`);
  assert.not(hosts.has('a'), 'forgotten, as it is the oldest');
  hosts.admit('a');
  hosts.admit('a');
  assert.ok(hosts.has('a'));
  assert.ok(hosts.has('made-up-63'));
  assert.ok(hosts.has('made-up-1'));
  assert.not(hosts.has('made-up-0'));
});

test.run();
