/** `npm test -- infra`: checks everything in infra/ against its schemas and with its tools. */
import { checkCompose, checkKubernetes } from './infra/manifests.js';
import { checkMetricNames } from './infra/metric-names.js';
import { checkWithTools } from './infra/tools.js';

const findings = [...(await checkKubernetes()), checkCompose(), ...checkMetricNames(), ...checkWithTools()];
for (const { what, problem, skipped } of findings) {
  const word = skipped !== undefined ? 'SKIPPED' : problem === null ? 'ok' : 'FAIL';
  console.log(`${word.padEnd(7)} ${what}${skipped === undefined ? '' : `: ${skipped}`}`);
  if (problem !== null) console.log(problem.replace(/^/gm, '          '));
}
const failed = findings.filter(({ problem }) => problem !== null).length;
const skipped = findings.filter((finding) => finding.skipped !== undefined).length;
console.log(`${findings.length - failed - skipped} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
