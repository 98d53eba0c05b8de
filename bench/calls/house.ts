/** One Asterisk with four ways to place the same call through it: Dial(), a null application, Tollgate by ARI and by FastAGI. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { migrate } from '../../store/migrate.ts';
import { startAsterisk } from '../../test/lab/asterisk.ts';
import type { Asterisk } from '../../test/lab/asterisk.ts';
import { startEngine } from '../../test/lab/engine.ts';
import { newFolder } from '../../test/lab/lab-folder.ts';
import { freePort } from '../../test/lab/ports.ts';
import { startPostgres } from '../../test/lab/postgres.ts';
import { startRedis } from '../../test/lab/redis.ts';
import { ServerProcess } from '../../test/lab/server-process.ts';
import { startPeer } from '../../test/lab/sipp.ts';
import { until } from '../../test/lab/wait.ts';
import { Processors } from './processors.ts';

export type Variant = 'dial' | 'null' | 'tollgate' | 'agi';
export const VARIANTS: readonly Variant[] = ['dial', 'null', 'tollgate', 'agi'];

/** Each caller is known by its address. */
export const CALLER_IPS: Readonly<Record<Variant, string>> = { dial: '127.0.0.31', null: '127.0.0.32', tollgate: '127.0.0.33', agi: '127.0.0.34' };

export interface House {
  readonly asterisk: Asterisk;
  readonly redis: Redis;
  readonly db: Client;
  /** CPU seconds that the variant's Node process has used; 0 for Dial(). */
  readonly nodeCpuSeconds: (variant: Variant) => number;
  /** Until thawed Postgres answers nothing. */
  readonly freezePostgres: () => { readonly thaw: () => void };
  /** Tollgate begins anew with these settings. */
  readonly restart: (settings: Readonly<Record<string, unknown>>) => Promise<void>;
  readonly close: () => Promise<void>;
}

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const COMPILED = join(PROJECT, '.bench');
const CLOCK_TICKS = 100;
const PEER_IP = '127.0.0.40';

function cpuSeconds(pid: number | undefined): number {
  if (pid === undefined) return 0;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

/** All callers and the provider are static here, so that none is looked up in another way than the others. */
function endpoint(name: string, context: string, more: string): string {
  return `[${name}]\ntype=endpoint\ncontext=${context}\ndisallow=all\nallow=ulaw\ndirect_media=no\nidentify_by=ip\n${more}\n`;
}

function pjsip(peerPort: number): string {
  const callers = VARIANTS.map((name) => {
    const context = CONTEXTS[name];
    return `${endpoint(`bench-${name}`, context, '')}[bench-${name}-ip]\ntype=identify\nendpoint=bench-${name}\nmatch=${CALLER_IPS[name]}\n`;
  });
  return `${callers.join('')}${endpoint('provider-1', 'tollgate', 'aors=provider-1')}[provider-1]\ntype=aor\ncontact=sip:${PEER_IP}:${peerPort}\n`;
}

const CONTEXTS: Readonly<Record<Variant, string>> = { dial: 'bench-dial', null: 'bench-null', tollgate: 'tollgate', agi: 'tollgate-dial' };

/** The operator's sample dialplan for FastAGI, and what is compared with it. */
const extensions = (agiPort: number): string => `
#include "extensions-agi.conf"
[globals](+)
TOLLGATE_AGI=agi://127.0.0.1:${agiPort}
[bench-dial]
exten => _X.,1,Dial(PJSIP/\${EXTEN}@provider-1)
[bench-null]
exten => _X.,1,Stasis(bench-null)
`;

async function tenant(db: Client, peerPort: number): Promise<void> {
  await db.query(`
    insert into tariffs (name, purpose) values ('buy', 'provider'), ('sell', 'user_wholesale');
    insert into rates (tariff_id, prefix, rate) select t, '370' || p, 0.05 * t from generate_series(1, 2) t, generate_series(0, 9) p;
    insert into providers (name, host, port, tariff_id) values ('bench', '${PEER_IP}', ${peerPort}, 1);
    insert into lcrs (name) values ('bench');
    insert into lcr_providers (lcr_id, provider_id) values (1, 1);
    insert into users (username, tariff_id, lcr_id) values ('bench', 2, 1);
    select change_balance('user', 1, 1000000, 'payment', 'bench');
    insert into devices (user_id, endpoint, auth, ip, codecs) values (1, 'bench-tollgate', 'ip', '${CALLER_IPS.tollgate}', '{ulaw}'), (1, 'bench-agi', 'ip', '${CALLER_IPS.agi}', '{ulaw}');
    update providers set codecs = '{ulaw}'`);
}

/** Both programs as they are deployed: compiled. What a development loader adds to each function is not measured. */
function compile(): void {
  const made = spawnSync(process.execPath, ['build.mjs', 'tsconfig.bench.json', COMPILED], { cwd: PROJECT, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`The build failed: ${made.stdout}${made.stderr}`);
}

/** The null application as a process that ends with this one. */
function startNullApp(address: object): Promise<ServerProcess> {
  const folder = newFolder('null-app');
  const logFile = join(folder, 'log');
  return ServerProcess.start({
    name: 'null-app',
    command: { file: '/usr/bin/setpriv', args: ['--pdeathsig', 'KILL', process.execPath, '--enable-source-maps', join(COMPILED, 'bench/calls/null-app.js'), JSON.stringify(address)] },
    folder: PROJECT,
    logFile,
    whyNotReady: async () => (readFileSync(logFile, 'utf8').includes('attached') ? undefined : 'it is not attached'),
  });
}

/** `apart`: callers and far ends have the last processor to themselves. */
export async function openHouse({ apart = false } = {}): Promise<House> {
  compile();
  const processors = new Processors(apart);
  return processors.ofSystem(async () => open(processors));
}

async function open(processors: Processors): Promise<House> {
  const [postgres, redisServer, peer] = await Promise.all([startPostgres(), startRedis(), startPeer({ scenario: 'peer-answer-at-once', ip: PEER_IP, trace: false })]);
  processors.ofCallers(peer.pid);
  const url = await postgres.createDatabase();
  await migrate(url);
  const db = new Client(url);
  await db.connect();
  await tenant(db, peer.port);
  const agiPort = await freePort();
  const asterisk = await startAsterisk({ rtpPorts: 4000, additions: { 'pjsip.conf': pjsip(peer.port), 'extensions.conf': extensions(agiPort) } });
  const nullApp = await startNullApp({ url: asterisk.ariUrl, username: asterisk.ariUser, password: asterisk.ariPassword, app: 'bench-null', endpoint: 'provider-1' });
  const engine = await startEngine({ postgresUrl: url, redisUrl: redisServer.url, asterisks: [asterisk], compiled: join(COMPILED, 'main.js'), settings: { drainTimeoutS: 1, agi: { port: agiPort } } });
  const pushed = async (): Promise<void> => until(async () => ((await asterisk.cli('pjsip show endpoint bench-tollgate')).includes(CALLER_IPS.tollgate) ? undefined : 'the device is not pushed'), { timeoutMs: 10_000 });
  await pushed();
  const redis = new Redis(redisServer.url);
  const pidOf = (variant: Variant): number | undefined => ({ dial: undefined, null: nullApp.pid, tollgate: engine.pid, agi: engine.pid })[variant];
  return {
    asterisk,
    redis,
    db,
    freezePostgres: () => {
      postgres.pause();
      return { thaw: () => postgres.resume() };
    },
    nodeCpuSeconds: (variant) => cpuSeconds(pidOf(variant)),
    restart: async (settings) => {
      await engine.stop();
      writeFileSync(engine.settingsFile, JSON.stringify({ ...(JSON.parse(readFileSync(engine.settingsFile, 'utf8')) as object), ...settings }));
      await processors.ofSystem(async () => engine.start());
      await pushed();
    },
    close: async () => {
      await Promise.all([engine.stop(), nullApp.stop('SIGTERM')]);
      redis.disconnect();
      await db.end();
      await peer.stop();
      await Promise.all([asterisk.stop(), postgres.stop(), redisServer.stop()]);
      processors.release();
    },
  };
}
