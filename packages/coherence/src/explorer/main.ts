/**
 * `npm run explore`: searches every scenario completely, then plants each bug and searches for it. Exit code 1
 * if a rule is broken, a search is incomplete, or a planted bug is not found.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PLANTED_BUGS, type ExplorerMutation } from './planted/bugs.js';
import { createMutant } from './planted/plant.js';
import { mapConcurrently, searchInChildProcess, type TimedResult } from './run.js';
import { SCENARIOS } from './scenarios.js';
import { search, type Violation } from './search.js';

const HELP = `Usage: npm run explore -- [--scenario NAME [--json]] [--planted] [--states N] [--no-fairness]

Searches breadth-first every state that leaders, catalogs and front-ends can reach with the rules of this package.
Checks in each state that no reader can see a stale value, or a value that is not visible yet. Without options, runs all
scenarios and then all planted bugs.
  --scenario NAME  run one scenario, in this process; one of: ${SCENARIOS.map(({ name }) => name).join(', ')}
  --planted        run only the planted bugs, and print a shortest trace for each
  --states N       maximum number of states of a search (default 30,000,000)
  --no-fairness    do not check that every request is answered after faults have ended
  --json           print the result of --scenario as JSON`;

const { values } = parseArgs({
  options: {
    scenario: { type: 'string' },
    planted: { type: 'boolean', default: false },
    states: { type: 'string', default: '30000000' },
    'no-fairness': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const MAIN = fileURLToPath(import.meta.url);

function searchHere(name: string): void {
  const scenario = SCENARIOS.find((one) => one.name === name);
  if (scenario === undefined) throw new Error(`unknown scenario "${name}"; --help lists the names`);
  const startedAt = performance.now();
  const result = search(scenario, {
    statesMax: Number(values.states),
    isFairnessChecked: !values['no-fairness'],
  });
  if (values.json) console.log(JSON.stringify(result));
  else printScenario(name, { result, seconds: (performance.now() - startedAt) / 1000 });
}

function printScenario(name: string, { result, seconds }: TimedResult): void {
  const { states, depth, isComplete, violation } = result;
  const outcome = violation !== null ? 'VIOLATION' : isComplete ? 'no violation, complete' : 'NOT COMPLETE';
  console.log(row(name, states, depth, seconds, outcome));
  if (violation !== null) printTrace(violation);
  if (violation !== null || !isComplete) process.exitCode = 1;
}

function printPlanted({ name, scenario }: ExplorerMutation, { result, seconds }: TimedResult): void {
  const { states, depth, violation } = result;
  console.log(
    `\n${row(name, states, depth, seconds, violation === null ? 'NOT FOUND' : `found in "${scenario}"`)}`,
  );
  if (violation === null) process.exitCode = 1;
  else printTrace(violation);
}

function row(name: string, states: number, depth: number, seconds: number, outcome: string): string {
  const figures = [states.toLocaleString('en'), String(depth), seconds.toFixed(1)];
  return `${name.padEnd(66)}${figures.map((figure) => figure.padStart(12)).join('')}  ${outcome}`;
}

function printTrace({ what, trace }: Violation): void {
  for (const [index, step] of trace.entries()) console.log(`  ${String(index + 1).padStart(2)}. ${step}`);
  console.log(`      ${what}`);
}

async function explorePlanted(bug: ExplorerMutation): Promise<TimedResult> {
  const copy = createMutant(bug);
  try {
    return await searchInChildProcess(copy.main, bug.scenario, bug.isLiveness === true);
  } finally {
    copy.dispose();
  }
}

if (values.help) console.log(HELP);
else if (values.scenario !== undefined) searchHere(values.scenario);
else {
  console.log(`${''.padEnd(66)}      states       depth     seconds`);
  if (!values.planted) {
    await mapConcurrently(
      SCENARIOS,
      async ({ name }) => searchInChildProcess(MAIN, name, true),
      ({ name }, timed) => printScenario(name, timed),
    );
  }
  await mapConcurrently(PLANTED_BUGS, explorePlanted, printPlanted);
}
