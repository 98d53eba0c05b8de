/** Everything the demo runs on, set up as a user would do it: servers, `migrate`, `import`, and the engine. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { openLiveView, type LiveView } from '../../../store/redis/view.ts';
import { startAsterisk, type Asterisk } from '../asterisk.ts';
import { startEngine, type EngineProcess } from '../engine.ts';
import { labFolder, newFolder } from '../lab-folder.ts';
import { startPostgres, type Postgres } from '../postgres.ts';
import { findPrograms } from '../programs.ts';
import { Progress } from '../progress.ts';
import { startRedis, type Redis } from '../redis.ts';
import { toneFile } from '../tone-file.ts';
import { until } from '../wait.ts';
import { runTollgate } from './command.ts';
import { WARNING_HZ } from './ears.ts';
import { registerBen, startFarEnds, type FarEnds } from './far-ends.ts';
import { writeTenantFile } from './tenant-file.ts';

/** Decimals of prices, as config/sample.yaml has them. */
const PRICE_DECIMALS = 6;

export type DemoStage = {
  postgresUrl: string;
  redisUrl: string;
  asterisk: Asterisk;
  engine: EngineProcess;
  farEnds: FarEnds;
  db: Client;
  view: LiveView;
  close: () => Promise<void>;
};

export async function openDemoStage(): Promise<DemoStage> {
  const progress = new Progress();
  await findPrograms(labFolder());
  const servers = Promise.all([startPostgres(), startRedis({ appendOnly: 'everysec' }), startAsterisk(), startFarEnds()]);
  const [postgres, redis, asterisk, farEnds] = await progress.during('Postgres, Redis, Asterisk, three providers and a phone', servers);
  const postgresUrl = await postgres.createDatabase();
  progress.done('Postgres, Redis, Asterisk, three providers (SIPp) and a phone (SIPp) are up.');

  const folder = newFolder('demo');
  const settingsFile = writeSettings(folder, { postgresUrl, redisUrl: redis.url, asterisk });
  await runTollgate(settingsFile, 'migrate');
  await runTollgate(settingsFile, 'import', writeTenantFile(folder, { ...farEnds, warning: writeWarning() }));

  const engine = await progress.during('The engine', startEngine({ postgresUrl, redisUrl: redis.url, asterisks: [asterisk] }));
  const db = new Client(postgresUrl);
  await db.connect();
  await progress.during("Devices and providers into Asterisk, Ben's phone registers", accountsInForce(db, engine).then(async () => registerBen(asterisk, farEnds.bensPhone)));
  progress.done("The engine is attached, Asterisk knows all devices and providers, Ben's phone has registered.");
  const view = await openLiveView(redis.url, PRICE_DECIMALS);
  return {
    postgresUrl, redisUrl: redis.url, asterisk, engine, farEnds, db, view,
    close: async () => closeAll({ postgres, redis, asterisk, engine, db, view }),
  };
}

/** Where Asterisk, which is another user, may read it. */
function writeWarning(): string {
  const sound = join(newFolder('sounds'), 'low-balance');
  writeFileSync(`${sound}.wav`, toneFile(WARNING_HZ, 1));
  return sound;
}

type Parts = Pick<DemoStage, 'asterisk' | 'engine' | 'db' | 'view'> & { postgres: Postgres; redis: Redis };

async function closeAll({ postgres, redis, asterisk, engine, db, view }: Parts): Promise<void> {
  await Promise.all([view.close(), db.end()]);
  await engine.stop();
  await Promise.all([postgres.stop(), redis.stop(), asterisk.stop()]);
}

function writeSettings(folder: string, at: { postgresUrl: string; redisUrl: string; asterisk: Asterisk }): string {
  const { postgresUrl, redisUrl, asterisk } = at;
  const file = join(folder, 'tollgate.yaml');
  const settings = { postgresUrl, redisUrl, asterisk: [{ id: 1, url: asterisk.ariUrl, username: asterisk.ariUser, password: asterisk.ariPassword }] };
  // JSON is YAML as well.
  writeFileSync(file, JSON.stringify(settings, undefined, 2), { mode: 0o600 });
  return file;
}

/** The engine says of each account when Asterisk has it. */
async function accountsInForce(db: Client, engine: EngineProcess): Promise<void> {
  const { rows } = await db.query<{ name: string }>(`select endpoint as name from devices union all select 'provider-' || id from providers`);
  await until(
    () => {
      const pushed = new Set(engine.log().filter((line) => line['msg'] === 'SIP account is in force').map((line) => line['endpoint']));
      const missing = rows.filter(({ name }) => !pushed.has(name)).map(({ name }) => name);
      return missing.length === 0 ? undefined : `Asterisk does not have ${missing.join(', ')} yet`;
    },
    { timeoutMs: 20_000, everyMs: 50 },
  );
}
