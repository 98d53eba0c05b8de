/** `npm run lab`: a running, empty Tollgate with all its servers, until Ctrl-C. */

import Table from 'cli-table3';
import { Command } from 'commander';
import { migrate } from '../../store/migrate.ts';
import { startAsterisk, type Asterisk } from './asterisk.ts';
import { startEngine, type EngineProcess } from './engine.ts';
import { labFolder } from './lab-folder.ts';
import { startPostgres } from './postgres.ts';
import { findPrograms } from './programs.ts';
import { startRedis } from './redis.ts';

type Row = { server: string; address: string; login: string };

const program = new Command('npm run lab --')
  .description('Starts Postgres, Redis, Asterisk and a running, empty Tollgate, all private and on loopback, until Ctrl-C.')
  .option('--json', 'print how to reach them as one line of JSON')
  .option('--asterisks <number>', 'how many Asterisk servers', '1')
  .addHelpText(
    'after',
    `
Fill it from another terminal, with the settings file that is printed:
  TOLLGATE_CONFIG=FILE npm run -s tollgate -- import tenant.yaml
Everything is gone when it ends.`,
  );
const options = program.parse().opts<{ json?: boolean; asterisks: string }>();
const count = Number(options.asterisks);
if (!Number.isInteger(count) || count < 1) program.error(`--asterisks must be a number from 1 on, not ${options.asterisks}`);

process.stderr.write(`Programs: ${(await findPrograms(labFolder())).origin}\n`);
const { postgres, redis, asterisks, postgresUrl, engine } = await start().catch((error: Error) => program.error(error.message));

if (options.json === true) process.stdout.write(`${JSON.stringify(json(engine))}\n`);
else process.stdout.write(`${table([...asterisks.flatMap(asteriskRows), ...ownRows(engine)])}\nCtrl-C ends all of it.\n`);

// Waiting for a signal alone does not keep a process up.
const stayUp = setInterval(() => undefined, 1_000_000);
const signal = await new Promise<string>((done) => {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => done(name));
});
clearInterval(stayUp);
process.stderr.write(`\n${signal}: stopping\n`);
await engine.stop();
await Promise.all([postgres.stop(), redis.stop(), ...asterisks.map(async (asterisk) => asterisk.stop())]);
process.exit(0);

async function start() {
  const [postgres, redis, ...asterisks] = await Promise.all([
    startPostgres(),
    startRedis({ appendOnly: 'everysec' }),
    ...Array.from({ length: count }, async () => startAsterisk()),
  ]);
  const postgresUrl = await postgres.createDatabase();
  await migrate(postgresUrl);
  const engine = await startEngine({ postgresUrl, redisUrl: redis.url, asterisks });
  return { postgres, redis, asterisks, postgresUrl, engine };
}

function json(running: EngineProcess): object {
  return {
    postgresUrl,
    redisUrl: redis.url,
    asterisks: asterisks.map(({ host, sipPort, ariUrl, ariUser, ariPassword, amiPort, amiUser, amiPassword, folder, pid }) => {
      return { host, sipPort, ariUrl, ariUser, ariPassword, amiPort, amiUser, amiPassword, folder, pid };
    }),
    tollgate: { healthUrl: running.healthUrl, settingsFile: running.settingsFile, logFile: running.logFile, pid: running.pid },
    folder: labFolder(),
  };
}

function asteriskRows(asterisk: Asterisk, index: number): Row[] {
  const name = `Asterisk ${index + 1}`;
  return [
    { server: `${name} SIP`, address: `sip:${asterisk.host}:${asterisk.sipPort} (UDP)`, login: '' },
    { server: `${name} ARI`, address: asterisk.ariUrl, login: `${asterisk.ariUser} / ${asterisk.ariPassword}` },
    { server: `${name} AMI`, address: `127.0.0.1:${asterisk.amiPort}`, login: `${asterisk.amiUser} / ${asterisk.amiPassword}` },
    { server: `${name} files`, address: asterisk.folder, login: '' },
  ];
}

function ownRows(running: EngineProcess): Row[] {
  return [
    { server: 'Postgres', address: postgresUrl, login: 'in the URL' },
    { server: 'Redis', address: redis.url, login: 'in the URL' },
    { server: 'Tollgate health', address: running.healthUrl, login: '' },
    { server: 'Tollgate settings', address: running.settingsFile, login: '' },
    { server: 'Tollgate log', address: running.logFile, login: '' },
  ];
}

function table(rows: Row[]): string {
  const drawn = new Table({ head: ['server', 'address', 'user / password'], style: { head: [], border: [] } });
  for (const { server, address, login } of rows) drawn.push([server, address, login]);
  return drawn.toString();
}
