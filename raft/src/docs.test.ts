/** The API reference: every exported symbol and each of its members is documented, and links are valid. */
import { Application } from 'typedoc';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const pathOf = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));

test('typedoc finds no missing documentation, no type that is not exported and no broken link', async () => {
  const options = { options: pathOf('typedoc.json'), tsconfig: pathOf('tsconfig.json') };
  const typedoc = await Application.bootstrapWithPlugins({ ...options, logLevel: 'Warn' });
  const project = await typedoc.convert();
  assert.ok(project, 'the sources do not compile');
  typedoc.validate(project);
  // It prints its messages.
  assert.is(typedoc.logger.warningCount + typedoc.logger.errorCount, 0);
});

test.run();
