/** A process for the tests of `runProcess`, with the common options. The first argument selects its behaviour. */
import { createLog } from '../../log.js';
import { Metrics } from '../../metrics/metrics.js';
import { UsageError } from '../../rules/usage-error.js';
import { processCommand, type CommonOptions } from '../common-options.js';
import { EXIT_CODE } from '../exit.js';
import { readIdentity } from '../identity.js';
import { runProcess, type RunningService } from '../run.js';

const command = processCommand({ name: 'sample', description: 'a process under test' }).argument(
  '<behaviour>',
);
command.parse();
const options = command.opts<CommonOptions>();
const behaviour = command.args[0] ?? '';

/** Throws after the failure, like the context of a replica, which reads the Raft log. */
function context(): object {
  if (behaviour === 'fatal-context' && isBroken) throw new Error('the log is closed');
  return {};
}

const unwritable = {
  write: () => {
    throw new Error('output is closed');
  },
};
let isBroken = false;
const log = createLog(
  { service: 'sample', id: options.id, level: options.logLevel, context },
  ...(behaviour === 'fatal-unwritable' ? [unwritable] : []),
);

class Failure extends Error {}

async function never(): Promise<void> {
  await new Promise(() => undefined);
}

async function start(fatal: (error: unknown) => void, stopping: AbortSignal): Promise<RunningService> {
  const heartbeat = setInterval(() => undefined, 1_000);
  const service: RunningService = {
    stop: async () => {
      clearInterval(heartbeat);
      if (behaviour === 'stop-fails') throw new Failure('could not close');
      if (behaviour === 'stop-hangs') await never();
      log.info('closed in order');
    },
  };
  switch (behaviour) {
    case 'identity':
      log.info(
        {
          identity: {
            ...readIdentity(options, log, new Metrics({ service: 'sample', id: 'sample' })),
            secret: 'kept',
          },
          options,
        },
        'identity',
      );
      break;
    case 'start-fails':
      throw new Failure('could not start');
    case 'logs':
      // Log more in one turn than a pipe can hold. The next turn must follow even if no one reads.
      for (let i = 0; i < 2_000; i++) log.info({ i, fill: 'x'.repeat(1_000) }, 'line');
      await new Promise((resolve) => setTimeout(resolve, 10));
      process.stderr.write('next turn\n');
      break;
    case 'usage':
      throw new UsageError('these options conflict');
    case 'start-waits':
      log.info('started');
      await new Promise((_, reject) => {
        stopping.addEventListener('abort', () => reject(stopping.reason as Error));
      });
      break;
    case 'start-hangs':
      log.info('started');
      await never();
      break;
    case 'fatal':
    case 'fatal-context':
    case 'fatal-advice':
      isBroken = true;
      setImmediate(() => fatal(new Failure('the disk failed')));
      break;
    case 'throws':
      setImmediate(() => {
        throw new Failure('not caught');
      });
      break;
    case 'fatal-unwritable':
      fatal(new Failure('the disk failed'));
      break;
    case 'rejects':
      void Promise.reject(new Failure('not awaited'));
      break;
    case 'bad-code':
      throw new TypeError('exitCodeOf throws for this');
    default:
      break;
  }
  log.info('started');
  return service;
}

await runProcess({
  log,
  exitWithParent: options.exitWithParent,
  stopTimeoutMs: behaviour.endsWith('-hangs') ? 300 : undefined,
  exitCodeOf: (error) => {
    if (error instanceof TypeError) throw error;
    return error instanceof Failure ? EXIT_CODE.unavailable : EXIT_CODE.internal;
  },
  adviceOf: (error) => {
    if (behaviour === 'fatal-advice') throw new Error('adviceOf throws');
    return error instanceof Failure && behaviour === 'fatal' ? 'try another disk' : null;
  },
  start,
});
