import { Command, CommanderError } from 'commander';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { COMMAND_EXIT, CommandError } from '../errors.js';
import { frontendCommands } from './commands.js';

/** Runs a command that must fail before it sends a request. */
async function failureOf(...args: readonly string[]): Promise<unknown> {
  const program = new Command('trireme');
  for (const command of frontendCommands())
    program.addCommand(command.exitOverride().configureOutput({ writeErr: () => undefined }));
  try {
    await program.parseAsync([...args, '--frontend', 'http://127.0.0.1:9'], { from: 'user' });
  } catch (error) {
    return error;
  }
  throw new Error('the command did not fail');
}

test('orders rejects what is not the number of an order', async () => {
  for (const number of ['0', 'abc', '1.5', '1e3']) {
    const error = await failureOf('orders', number);
    assert.is(error instanceof CommanderError ? error.code : error, 'commander.invalidArgument', number);
  }
});

test('stock says why the operator token cannot be read', async () => {
  const error = await failureOf('stock', 'restock', 'A', '1', '--operator-token-file', '/no/such/token');
  assert.instance(error, CommandError);
  assert.is((error as CommandError).exitCode, COMMAND_EXIT.usage);
  assert.match(
    (error as CommandError).message,
    /^cannot read the operator token: ENOENT: .*'\/no\/such\/token'; /,
  );
});

test.run();
