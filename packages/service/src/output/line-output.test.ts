import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LineBuffer } from '../rules/line-buffer.js';
import { until } from '../testing/links.js';
import { LineOutput, droppedLines, type LineSink } from './line-output.js';

type WriteResult = number | string;

/** Each write accepts the number of bytes in `results` or fails with the code there; by default it accepts all. */
class FakeSink implements LineSink {
  text = '';
  readonly results: WriteResult[] = [];

  write(bytes: Uint8Array, done: (error: NodeJS.ErrnoException | null, written: number) => void): void {
    try {
      done(null, this.writeSync(bytes));
    } catch (error) {
      done(error as NodeJS.ErrnoException, 0);
    }
  }

  writeSync(bytes: Uint8Array): number {
    const result = this.results.shift() ?? bytes.length;
    if (typeof result === 'string') throw Object.assign(new Error(result), { code: result });
    const accepted = bytes.subarray(0, result);
    this.text += Buffer.from(accepted).toString();
    return accepted.length;
  }
}

const describeLost = (lines: number): string => `${lines} lost`;

test('LineBuffer drops lines above its limit, and reports their number in their place', () => {
  const buffer = new LineBuffer(10, describeLost);
  for (const line of ['12345', '6789', 'too long', 'also', '0']) buffer.push(line);
  assert.is(buffer.take(), '12345\n6789\n2 lost\n0\n');
  assert.is(buffer.droppedLines, 2);
  assert.ok(buffer.isEmpty);
  buffer.push('longer than the whole buffer');
  assert.not.ok(buffer.isEmpty);
  assert.is(buffer.take(), '1 lost\n');
  assert.is(buffer.take(), '');
});

test('lines are written in order after partial and failed writes', async () => {
  const sink = new FakeSink();
  const output = new LineOutput(sink, describeLost);
  sink.results.push(3, 1, 'EAGAIN', 2);
  for (const line of ['first', 'second']) output.write(line);
  assert.is(sink.text, '');
  await until(() => sink.text === 'first\nsecond\n', 'both lines');
  output.write('third');
  await output.close();
  output.write('late');
  await output.close();
  assert.is(sink.text, 'first\nsecond\nthird\n');
});

test('lines for a slow reader are buffered up to the limit and written later', async () => {
  const sink = new FakeSink();
  const output = new LineOutput(sink, describeLost);
  const before = droppedLines();
  sink.results.push('EAGAIN', 'EAGAIN');
  const line = 'x'.repeat(1023);
  for (let i = 0; i < 1_500; i++) output.write(line);
  assert.is(output.droppedLines, 475);
  assert.is(droppedLines() - before, 475);
  await until(() => sink.text.endsWith('475 lost\n'), 'the lines');
  assert.is(sink.text.split('\n').length, 1_025 + 2);
  await output.close();
});

test('a write to a full disk is retried', async () => {
  const sink = new FakeSink();
  const output = new LineOutput(sink, describeLost);
  sink.results.push('ENOSPC');
  output.write('kept');
  await until(() => sink.text === 'kept\n', 'the line');
  await output.close();
});

test('lines are discarded after the reader has closed', async () => {
  const sink = new FakeSink();
  const output = new LineOutput(sink, describeLost);
  sink.results.push('EPIPE');
  output.write('unread');
  await output.close();
  output.write('also unread');
  output.flushSync(performance.now());
  assert.is(sink.text, '');
});

test('flushSync writes the buffered lines, and gives up after its time limit', () => {
  const sink = new FakeSink();
  const output = new LineOutput(sink, describeLost);
  sink.results.push('EAGAIN', 4);
  output.write('last line');
  output.flushSync(performance.now() + 1_000);
  assert.is(sink.text, 'last line\n');
  sink.results.push(...Array.from({ length: 50 }, () => 'EAGAIN'));
  output.write('unread');
  const startedAt = performance.now();
  output.flushSync(startedAt + 20);
  assert.ok(performance.now() - startedAt < 5_000);
  assert.is(sink.text, 'last line\n');
});

test.run();
