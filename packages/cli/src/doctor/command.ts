/** `trireme doctor`: reports what is damaged in the data of stopped replicas. Changes nothing. */
import { Command, Option } from 'commander';
import { DATA_DEFAULT, resolveUserPath } from '../command-line.js';
import { dataFoldersIn, examineDataFolder } from './examine.js';
import { DOCTOR_EXIT, describeReport, exitCodeOf } from './report.js';

export function doctorCommand(): Command {
  return new Command('doctor')
    .summary('Reports what is damaged in the data of stopped replicas.')
    .description(
      'Examines the data folders of stopped replicas and reports what is damaged, what is intact and what to do. ' +
        'Changes nothing.',
    )
    .addOption(
      new Option('--data <folder>', 'data folder of a replica or of a whole cluster')
        .env('TRIREME_DATA')
        .default(DATA_DEFAULT),
    )
    .addOption(new Option('--json', 'print the report as JSON').env('TRIREME_JSON').default(false))
    .addHelpText(
      'after',
      `
Exit codes:
  ${DOCTOR_EXIT.sound}   all data are intact, or the next start repairs them without loss
  1   a file cannot be read
  ${DOCTOR_EXIT.nothing}  the folder contains no replica data
  ${DOCTOR_EXIT.damaged}  data are damaged
  ${DOCTOR_EXIT.inUse}  a running replica has the data open: stop it first`,
    )
    .action(doctor);
}

async function doctor(options: { data: string; json: boolean }): Promise<void> {
  const data = resolveUserPath(options.data);
  const reports = [];
  for (const folder of dataFoldersIn(data)) reports.push(await examineDataFolder(folder));
  if (options.json) console.log(JSON.stringify(reports, null, 2));
  else if (reports.length === 0) console.error(`error: ${data} contains no replica data: check --data`);
  else console.log(reports.map(describeReport).join('\n\n'));
  process.exitCode = exitCodeOf(reports);
}
