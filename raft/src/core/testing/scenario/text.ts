/**
 * Golden scenarios as text, after cockroach's datadriven tests: a command, `----`, what happened, a blank line. Lines
 * that begin with `#` are for the reader. What happened is made by running the commands; the rest stays as it is written.
 */

/** One command with what stands around it. */
export interface Block {
  /** Comments and blank lines in front of the command. */
  readonly preamble: readonly string[];
  /** The command's own line, then its input. */
  readonly command: string;
  readonly input: readonly string[];
}

const SEPARATOR = '----';

/** The commands of a scenario; what happened is left out. @throws Error where a command has no separator. */
export function parseScenario(text: string): Block[] {
  const blocks: Block[] = [];
  let preamble: string[] = [];
  const lines = text.trimEnd().split('\n').values();
  for (const line of lines) {
    if (line === '' || line.startsWith('#')) {
      preamble.push(line);
      continue;
    }
    const input = upTo(lines, SEPARATOR);
    if (input === null) throw new Error(`no ${SEPARATOR} behind: ${line}`);
    upTo(lines, '');
    blocks.push({ preamble, command: line, input });
    preamble = [''];
  }
  return blocks;
}

/** Lines up to the one that is `end`; null if there is none. */
function upTo(lines: Iterator<string, undefined>, end: string): string[] | null {
  const found: string[] = [];
  for (;;) {
    const { value } = lines.next();
    if (value === undefined) return null;
    if (value === end) return found;
    found.push(value);
  }
}

/** The scenario with what happened: `run` is given each command and says it, line by line. */
export function playScenario(text: string, run: (block: Block) => readonly string[]): string {
  const played = parseScenario(text).map((block) => {
    const happened = run(block);
    const lines = happened.length === 0 ? ['nothing'] : happened;
    return [...block.preamble, block.command, ...block.input, SEPARATOR, ...lines].join('\n');
  });
  return `${played.join('\n')}\n`;
}
