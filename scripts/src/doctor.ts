/** `npm run doctor -- --data DIR`: says what is damaged in the data of processes that are down, and changes nothing. */
import { Command } from 'commander';
import { DATA_DEFAULT, dataFolder, runScript } from './command-line.js';
import { dataFoldersIn, examine } from './doctor/examine.js';
import { DOCTOR_EXIT, describeReport, exitCodeOf } from './doctor/report.js';

async function doctor(options: { data: string; json: boolean }): Promise<void> {
  const data = dataFolder(options.data);
  const reports = [];
  for (const folder of dataFoldersIn(data)) reports.push(await examine(folder));
  if (options.json) console.log(JSON.stringify(reports, null, 2));
  else if (reports.length === 0) console.error(`error: ${data} holds no data of a replica or a catalog`);
  else console.log(reports.map(describeReport).join('\n\n'));
  process.exitCode = exitCodeOf(reports);
}

const command = new Command('npm run doctor --')
  .description(
    'Says what is damaged in the data of processes that are down, what is left, and what to do. Changes nothing.',
  )
  .option('--data <folder>', "a replica's or a catalog's folder, or that of a whole cluster", DATA_DEFAULT)
  .option('--json', 'the same for programs', false)
  .addHelpText(
    'after',
    `
Exit codes:
  ${DOCTOR_EXIT.sound}   everything is whole, or the next start mends it without a loss
  1   a file cannot be read
  ${DOCTOR_EXIT.nothing}  there is no data there
  ${DOCTOR_EXIT.damaged}  something is damaged
  ${DOCTOR_EXIT.inUse}  a process has the data open`,
  )
  .action(doctor);

await runScript(command);
