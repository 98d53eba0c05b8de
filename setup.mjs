// Makes a fresh checkout runnable and then becomes the program it was asked for:
//   node setup.mjs FILE.ts ARGUMENTS...   installs packages when they are missing or differ from the lockfile, runs FILE
//   node setup.mjs                        installs only
// Plain Node without packages, since it runs before there are any. The program runs in this very process, so that
// signals, exit codes and a kill reach it and no wrapper. Everything said here goes to stderr: stdout is the program's.

import { spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const OLDEST_NODE = [20, 19];
const project = dirname(fileURLToPath(import.meta.url));
const [file, ...args] = process.argv.slice(2);
const started = performance.now();

// `npm run tollgate` runs at every use of the command line: it says nothing unless there is something to do.
if (file !== 'main.ts') say(`Tollgate: ${file ?? 'setting up'}`);

checkNode();
if (!packagesMatchLockfile()) await installPackages();
if (file !== undefined) await become(resolve(project, file));

function say(line) {
  process.stderr.write(`${line}\n`);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  say(`Node ${oldestMajor}.${oldestMinor} or newer is needed, this is ${process.versions.node}.`);
  process.exit(1);
}

/**
 * npm leaves a copy of what it installed in node_modules/.package-lock.json. A newer copy settles it; an older one
 * (a checkout touches files, and `npm install` writes the two in either order) is compared version by version.
 */
function packagesMatchLockfile() {
  const wanted = join(project, 'package-lock.json');
  const installed = join(project, 'node_modules', '.package-lock.json');
  try {
    if (statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return true;
    const present = JSON.parse(readFileSync(installed, 'utf8')).packages;
    const listed = Object.entries(JSON.parse(readFileSync(wanted, 'utf8')).packages);
    // Optional packages are for other platforms as often as not.
    return listed.every(([path, entry]) => path === '' || entry.optional || present[path]?.version === entry.version);
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return false;
    throw error;
  }
}

async function installPackages() {
  say('Installing packages (npm ci), about half a minute ...');
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const child = spawn(command, [...first, 'ci', '--no-progress'], { cwd: project, stdio: ['ignore', 2, 2] });
  const beat = setInterval(() => say(`  npm ci: ${seconds()}`), 10_000);
  const status = await new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code, signal) => done(code ?? signal));
  }).finally(() => clearInterval(beat));
  if (status === 0) return say(`Packages installed after ${seconds()}.`);
  say(`npm ci failed (${status}).`);
  process.exit(1);
}

function seconds() {
  return `${Math.round((performance.now() - started) / 1000)} s`;
}

async function become(program) {
  process.argv = [process.argv[0], program, ...args];
  await import('tsx');
  await import(pathToFileURL(program).href);
}
