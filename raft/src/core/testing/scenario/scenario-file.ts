/**
 * The text format of golden scenarios, after cockroach's datadriven tests: a command, `----`, its output, a
 * blank line. Lines that start with `#` are comments. Running a scenario replaces the outputs and keeps
 * everything else.
 */

/** One command of a scenario. */
export interface ScenarioCommand {
  /** Comments and blank lines before the command. */
  readonly preamble: readonly string[];
  /** The line of the command; `input` has the lines after it. */
  readonly command: string;
  readonly input: readonly string[];
}

const SEPARATOR = '----';

/** Parses the commands of a scenario, without their outputs. @throws Error if a command has no separator. */
export function parseScenario(text: string): ScenarioCommand[] {
  const blocks: ScenarioCommand[] = [];
  let preamble: string[] = [];
  const lines = text.trimEnd().split('\n').values();
  for (const line of lines) {
    if (line === '' || line.startsWith('#')) {
      preamble.push(line);
      continue;
    }
    const input = upTo(lines, SEPARATOR);
    if (input === null) throw new Error(`no ${SEPARATOR} after command: ${line}`);
    upTo(lines, '');
    blocks.push({ preamble, command: line, input });
    preamble = [''];
  }
  return blocks;
}

/** The lines up to the next line `end`; null if there is none. */
function upTo(lines: Iterator<string, undefined>, end: string): string[] | null {
  const found: string[] = [];
  for (;;) {
    const { value } = lines.next();
    if (value === undefined) return null;
    if (value === end) return found;
    found.push(value);
  }
}

/** Returns the scenario with new outputs. @param run runs a command and returns the lines of its output */
export function runScenario(text: string, run: (block: ScenarioCommand) => readonly string[]): string {
  const blocks = parseScenario(text).map((block) => {
    const output = run(block);
    const lines = output.length === 0 ? ['nothing'] : output;
    return [...block.preamble, block.command, ...block.input, SEPARATOR, ...lines].join('\n');
  });
  return `${blocks.join('\n')}\n`;
}
