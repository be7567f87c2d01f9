/** The public API: every exported symbol and every error code is documented, and each entry point loads what it needs. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const SOURCE = fileURLToPath(new URL('../src/', import.meta.url));

/** The exported symbols of a file, and their methods and accessors, that have no documentation comment. */
function undocumented(file: string): string[] {
  const options = { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2023, types: ['node'] };
  const program = ts.createProgram([SOURCE + file], options);
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(SOURCE + file);
  const module = source && checker.getSymbolAtLocation(source);
  assert.ok(module, `${file} is not a module`);
  return checker.getExportsOfModule(module).flatMap((exported) => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const own = isDocumented(symbol, checker) ? [] : [symbol.name];
    return [...own, ...membersOf(symbol, checker).map((member) => `${symbol.name}.${member.name}`)];
  });
}

function isDocumented(symbol: ts.Symbol, checker: ts.TypeChecker): boolean {
  return symbol.getDocumentationComment(checker).length > 0;
}

/**
 * Undocumented methods and accessors declared by a class or interface; `#private` members are not symbols.
 */
function membersOf(symbol: ts.Symbol, checker: ts.TypeChecker): readonly ts.Symbol[] {
  return (symbol.declarations ?? [])
    .filter((declaration) => ts.isClassDeclaration(declaration) || ts.isInterfaceDeclaration(declaration))
    .flatMap((declaration) => [...declaration.members] as (ts.ClassElement | ts.TypeElement)[])
    .filter(
      (member) =>
        ts.isMethodDeclaration(member) || ts.isMethodSignature(member) || ts.isGetAccessorDeclaration(member),
    )
    .filter(({ name }) => !ts.isPrivateIdentifier(name))
    .flatMap(({ name }) => checker.getSymbolAtLocation(name) ?? [])
    .filter((member) => !isDocumented(member, checker) && !isInherited(symbol, member, checker));
}

/** Whether the member is documented in an interface that its class implements. */
function isInherited(symbol: ts.Symbol, member: ts.Symbol, checker: ts.TypeChecker): boolean {
  return (symbol.declarations ?? [])
    .filter(ts.isClassDeclaration)
    .flatMap(({ heritageClauses }) => heritageClauses?.flatMap(({ types }) => [...types]) ?? [])
    .map((type) => checker.getTypeAtLocation(type).getProperty(member.name))
    .some((inherited) => inherited !== undefined && isDocumented(inherited, checker));
}

for (const file of ['index.ts', 'level.ts', 'http.ts', 'testing.ts', 'frames/index.ts']) {
  test(`every exported symbol of ${file} is documented`, () => {
    assert.equal(undocumented(file), []);
  });
}

/** Loads an entry point from a folder without node_modules, and returns which network modules of Node it loads. */
async function loadAlone(folder: string, entry: string): Promise<string> {
  const script = join(folder, 'load.mjs');
  // `moduleLoadList` names every built-in module that the process has loaded.
  await writeFile(
    script,
    `await import('./dist/${entry}.js');
    console.log(process.moduleLoadList.filter((name) => /^NativeModule (http|https|net|tls)$/.test(name)).join(' '));`,
  );
  return (await promisify(execFile)(process.execPath, [script])).stdout.trim();
}

test('the core, the driver and the suites load without dependencies and network modules, frames without dependencies', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'raft-alone-'));
  try {
    await cp(fileURLToPath(new URL('.', import.meta.url)), join(folder, 'dist'), { recursive: true });
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    assert.is(await loadAlone(folder, 'index'), '');
    assert.is(await loadAlone(folder, 'testing'), '');
    assert.match(await loadAlone(folder, 'frames/index'), 'NativeModule https');
    const missing = { level: 'level', http: 'msgpackr' };
    for (const [entry, dependency] of Object.entries(missing)) {
      const error = await loadAlone(folder, entry).catch(String);
      assert.match(error, `Cannot find package '${dependency}'`);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the README lists exactly the error codes that exist', () => {
  const errors = readFileSync(`${SOURCE}core/errors.ts`, 'utf8');
  const readme = readFileSync(`${SOURCE}../README.md`, 'utf8');
  const codes = [...errors.matchAll(/^ {2}\| '([A-Z_]+)'/gm)].map(([, code]) => code);
  const listed = [...readme.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, code]) => code);
  assert.ok(codes.length > 10);
  assert.equal(listed.sort(), codes.sort());
});

test.run();
