/** Runs are deterministic and use no real clock, timer or randomness. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { resultOfCrash } from './run/crashed.js';
import { runSeeds } from './run/pool.js';
import { simulate } from './simulate.js';

const SECONDS = 10;
const WORKER = fileURLToPath(new URL('run/worker.js', import.meta.url));

test('simulate: the same seed gives the same run, traced or not; another seed gives another run', async () => {
  const lines: string[] = [];
  const first = await simulate({ seed: 11, seconds: SECONDS });
  const traced = await simulate({ seed: 11, seconds: SECONDS, sink: (line) => lines.push(line) });
  const other = await simulate({ seed: 12, seconds: SECONDS });
  assert.equal(traced, first);
  assert.is.not(other.hash, first.hash);
  const again: string[] = [];
  await simulate({ seed: 11, seconds: SECONDS, sink: (line) => again.push(line) });
  assert.equal(again, lines);
  assert.ok(lines.length > 1_000, `${lines.length} lines`);
});

test('simulate: the same seed gives the same run in another process', async () => {
  const { hash } = await simulate({ seed: 1, seconds: SECONDS });
  const hashes: string[] = [];
  await runSeeds({
    crashed: resultOfCrash,
    worker: WORKER,
    jobs: 1,
    from: 1,
    count: 1,
    seconds: SECONDS,
    onResult: (result) => hashes.push(result.hash),
  });
  assert.equal(hashes, [hash]);
  // Printed for comparison with other versions of Node.
  console.log(`Node ${process.version}: seed 1, ${SECONDS} seconds, trace hash ${hash}`);
});

test('simulate: waiting for promises after every event does not change the run', async () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const expected = await simulate({ seed, seconds: SECONDS });
    const result = await simulate({ seed, seconds: SECONDS, awaitsEveryEvent: true });
    assert.equal(result, expected, `seed ${seed}`);
  }
});

test('simulate: uses no real clock, timer or randomness', async () => {
  const touched: string[] = [];
  const trap = (holder: object, name: string): (() => void) => {
    const original = Object.getOwnPropertyDescriptor(holder, name);
    if (original === undefined) throw new Error(`missing property: ${name}`);
    Object.defineProperty(holder, name, {
      configurable: true,
      value: () => {
        touched.push(name);
        throw new Error(`${name} was called during a run`);
      },
    });
    return () => Object.defineProperty(holder, name, original);
  };
  const restore = [
    trap(Date, 'now'),
    trap(Math, 'random'),
    trap(Object.getPrototypeOf(performance) as object, 'now'),
    trap(process, 'hrtime'),
    ...['setTimeout', 'setInterval', 'setImmediate'].map((name) => trap(globalThis, name)),
  ];
  try {
    const { violation } = await simulate({ seed: 21, seconds: SECONDS });
    assert.is(violation, null);
  } finally {
    for (const undo of restore) undo();
  }
  assert.equal(touched, []);
});

test('sources of the simulator do not mention a real clock, timer or randomness, except main, run/ and planted/', () => {
  const folder = fileURLToPath(new URL('../src', import.meta.url));
  const forbidden =
    /\bDate\b|Math\.random|performance\.|hrtime|setTimeout|setInterval|setImmediate|randomUUID|randomBytes/;
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !/\.test\.ts$|^main\.ts$|^run|^planted/.test(name),
  );
  assert.ok(sources.length > 15, `${sources.length} sources`);
  const found = sources.filter((name) => forbidden.test(readFileSync(`${folder}/${name}`, 'utf8')));
  assert.equal(found, []);
});

test.run();
