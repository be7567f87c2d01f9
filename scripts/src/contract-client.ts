/**
 * `npm test -- contract`: generates a client from the `/openapi.json` of a running cluster with a public generator,
 * compiles it with strict types together with a program that uses it, and places an order with it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'openapi-typescript-codegen';
import { findFreeBasePort, LocalCluster } from '@trireme/cluster';
import { ROOT } from './root.js';

/** A program that uses the generated client, with the generator's types and names. */
const PROGRAM = `
import { ApiError, OpenAPI, OrdersService, StocksService } from './client';

async function main(): Promise<void> {
  OpenAPI.BASE = process.argv[2] ?? '';
  const before = await StocksService.getStock({ name: 'AAPL' });
  const requestBody = { name: 'AAPL', type: 'buy' as const, quantity: 3 };
  const placed = await OrdersService.placeOrder({ requestBody, idempotencyKey: 'generated-1' });
  const again = await OrdersService.placeOrder({ requestBody, idempotencyKey: 'generated-1' });
  const order = await OrdersService.getOrder({ number: placed.data.transaction_number });
  const after = await StocksService.getStock({ name: 'AAPL' });
  const page = await OrdersService.listOrders({ limit: 10 });
  const refused = await OrdersService.placeOrder({ requestBody: { ...requestBody, quantity: 500_000 } }).then(
    () => 'not refused',
    (error: unknown) => (error instanceof ApiError ? \`\${error.status} \${error.body.error.status}\` : String(error)),
  );
  console.log(JSON.stringify({
    number: placed.data.transaction_number,
    again: again.data.transaction_number,
    order: order.data,
    sold: before.data.quantity - after.data.quantity,
    listed: page.data.length,
    refused,
  }));
}

void main();
`;

interface ProgramResult {
  readonly number: number;
  readonly again: number;
  readonly order: { readonly name: string; readonly quantity: number };
  readonly sold: number;
  readonly listed: number;
  readonly refused: string;
}

/** Runs a command to its end and returns its output. @throws Error if it fails. */
async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} exited with code ${String(code)}\n${output}`);
  return output;
}

async function generateAndUse(url: string, folder: string): Promise<ProgramResult> {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as Record<string, unknown>;
  await generate({ input: document, output: join(folder, 'client'), useOptions: true, useUnionTypes: true });
  writeFileSync(join(folder, 'program.ts'), PROGRAM);
  writeFileSync(join(folder, 'package.json'), '{"type":"commonjs"}');
  const compilerOptions = {
    strict: true,
    target: 'es2022',
    module: 'commonjs',
    moduleResolution: 'node10',
    outDir: 'dist',
    lib: ['es2022', 'dom'],
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules', '@types')],
    ignoreDeprecations: '6.0',
    rootDir: '.',
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
  await run(process.execPath, [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', '.'], folder);
  return JSON.parse(await run(process.execPath, ['dist/program.js', url], folder)) as ProgramResult;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'trireme-contract-'));
  const port = await findFreeBasePort(1, 1);
  const dataDir = join(folder, 'data');
  const cluster = new LocalCluster({ dataDir, port, replicas: 1, output: () => undefined });
  try {
    await cluster.start();
    await cluster.awaitReady();
    const result = await generateAndUse(cluster.urls[0] ?? '', folder);
    console.log(JSON.stringify(result, null, 2));
    const isCorrect =
      result.number === 1 &&
      result.again === result.number &&
      result.order.quantity === 3 &&
      result.sold === 3 &&
      result.listed === 1 &&
      result.refused === '409 INSUFFICIENT_STOCK';
    console.log(isCorrect ? 'the generated client placed an order' : 'FAILED: unexpected result (see above)');
    if (!isCorrect) process.exitCode = 1;
  } finally {
    await cluster.stop();
    rmSync(folder, { recursive: true });
  }
}

await main();
