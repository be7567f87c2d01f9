/** The steps of `npm test`, and which of them a command line selects. */

/** Steps in the order in which they run. Steps with `byDefault: false` run only if they are named. */
const STEPS = [
  { name: 'lint', byDefault: true, help: 'eslint' },
  { name: 'format', byDefault: true, help: 'prettier; npm run format corrects the files' },
  { name: 'layers', byDefault: true, help: 'which part may import which (.dependency-cruiser.cjs)' },
  { name: 'deadcode', byDefault: true, help: 'exports, files and dependencies that nothing uses' },
  { name: 'tests', byDefault: true, help: 'unit and smoke tests, and the coverage of each area' },
  { name: 'e2e', byDefault: false, help: 'all other end-to-end tests' },
  { name: 'faults', byDefault: false, help: 'all fault scenarios, as npm run faults' },
  { name: 'own-node', byDefault: false, help: "a part of the tests on the machine's own Node" },
  { name: 'infra', byDefault: false, help: 'everything in infra/ against its schemas and with its tools' },
  {
    name: 'contract',
    byDefault: false,
    help: 'a client that a public generator makes from /openapi.json places an order',
  },
] as const;

export type StepName = (typeof STEPS)[number]['name'];

/** The named steps, or the default ones without names; null if a name is unknown. */
export function selectSteps(names: readonly string[]): ReadonlySet<StepName> | null {
  if (!names.every((name) => STEPS.some((step) => step.name === name))) return null;
  const selected = STEPS.filter(({ name, byDefault }) =>
    names.length === 0 ? byDefault : names.includes(name),
  );
  return new Set(selected.map(({ name }) => name));
}

export function stepsHelp(): string {
  const lines = STEPS.map(
    ({ name, byDefault, help }) => `  ${name.padEnd(10)} ${help}${byDefault ? '' : ' (only if named)'}`,
  );
  return `Usage: npm test -- [--html] [steps...]

Builds everything and runs the named steps, or the default ones if none is named. CI also runs e2e, faults and own-node.

Steps:
${lines.join('\n')}

Options:
  --html      also write a report of the coverage to coverage/index.html
  -h, --help  print this help

To run only some test files: npm run test:only -- WORDS`;
}
