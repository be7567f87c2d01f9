import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatEstimate, formatNumber, toCsv, toMarkdown } from './text.js';

test('toCsv quotes only cells that need it', () => {
  const table = {
    columns: ['a', 'b,c'],
    rows: [
      ['x"y', 1.5],
      ['two\nlines', null],
    ],
  };
  assert.is(toCsv(table), 'a,"b,c"\r\n"x""y",1.5\r\n"two\nlines",\r\n');
});

test('toMarkdown left-aligns the first column, escapes bars, and shows null as a dash', () => {
  const table = {
    columns: ['a', 'b'],
    rows: [
      ['x|y', null],
      ['z', 2],
    ],
  };
  assert.is(toMarkdown(table), '| a | b |\n| :-- | --: |\n| x\\|y | – |\n| z | 2 |');
});

test('formatNumber rounds to three significant digits', () => {
  assert.equal([0, 0.01234, 1.2, 12.34, 999.6, 12_345].map(formatNumber), [
    '0',
    '0.0123',
    '1.20',
    '12.3',
    '1,000',
    '12,300',
  ]);
  assert.is(formatNumber(9.9999), '10.0');
  assert.is(formatNumber(-0.5), '-0.500');
  assert.is(formatNumber(Infinity), 'Infinity');
});

test('formatEstimate shows the mean with its margin, if there is one', () => {
  assert.is(formatEstimate({ mean: 1.234, margin: 0.05 }), '1.23 ± 0.0500');
  assert.is(formatEstimate({ mean: 1.234, margin: null }), '1.23');
});

test.run();
