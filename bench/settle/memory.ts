/**
 * Memory of calls that are up: the engine's own registry leads them and a real Redis holds them, with the store as the
 * daemon opens it. Only Asterisk is left out: it does what it is told at once, since ten thousand channels need more than
 * one machine.
 */
import { Pool } from 'pg';
import type { AsteriskLink, Channel } from '../../engine/asterisk/contract.ts';
import type { Call } from '../../engine/call/state.ts';
import { AsteriskClock } from '../../engine/clock.ts';
import { Finisher } from '../../engine/finisher.ts';
import { NO_METER } from '../../engine/meter.ts';
import type { Log } from '../../engine/ports.ts';
import { Prompts } from '../../engine/prompts.ts';
import { Registry } from '../../engine/registry.ts';
import { migrate } from '../../store/migrate.ts';
import { openStore } from '../../store/open.ts';
import { connectRedis } from '../../store/redis/connect.ts';
import { startPostgres } from '../../test/lab/postgres.ts';
import { startRedis } from '../../test/lab/redis.ts';
import { until } from '../../test/lab/wait.ts';
import { callOf, LIVE } from '../scaling/one-call.ts';
import { accounts } from './postgres.ts';

export interface MemoryFigures {
  readonly calls: number;
  /** Of each call that is up and answered. */
  readonly nodeBytes: number;
  readonly redisBytes: number;
}

const AT_ONCE = 50;
const LOG: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, child: () => LOG };
const APP = 'tollgate';

const obedient: AsteriskLink = {
  transport: 'websocket', version: '22.0.0', connected: true,
  request: () => Promise.resolve(null),
  inOrder: (requests) => Promise.resolve(requests.map(() => null)),
  close: () => Promise.resolve(),
};

function channelOf(id: string): Channel {
  return { id, name: `PJSIP/provider-11-${id}`, endpoint: 'provider-11', state: 'Down', callerNumber: '', callerName: '', accountCode: '', extension: 's', context: 'tollgate', application: APP, sipCallId: `${id}@far.example`, codec: '' };
}

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** As Asterisk's events come, one after the other. */
async function talk(registry: Registry, clock: AsteriskClock, calls: readonly Call[]): Promise<void> {
  for (const one of calls) registry.start(one, LIVE);
  await until(() => (calls.every((one) => registry.knows(`${one.id}-1`)) ? undefined : 'not all are admitted'), { timeoutMs: 60_000 });
  for (const one of calls) {
    const channelId = `${one.id}-1`;
    const at = clock.now();
    const event = { at: at.wallMs, channelId };
    registry.receive({ ...event, type: 'stasisStart', channel: channelOf(channelId), args: ['leg'] }, at);
    registry.receive({ ...event, type: 'dial', status: '', codec: '' }, at);
    registry.receive({ ...event, type: 'dial', status: 'ANSWER', codec: 'alaw' }, at);
  }
}

export async function measureMemory(count: number): Promise<MemoryFigures> {
  const [postgres, redisServer] = await Promise.all([startPostgres(), startRedis()]);
  const postgresUrl = await postgres.createDatabase();
  await migrate(postgresUrl);
  const pool = new Pool({ connectionString: postgresUrl, max: 1 });
  await accounts(pool);
  await pool.end();
  const store = openStore({ postgresUrl, redisUrl: redisServer.url, priceDecimals: 6, flashAlarm: 0, qualityWindowMinutes: 60, closedDidDays: 90, reconcileEveryMs: 3_600_000, settleBatch: 500, settleEveryMs: 500, log: LOG });
  await store.ready();
  const redis = connectRedis(redisServer.url, LOG);
  await until(() => (redis.status === 'ready' ? undefined : 'Redis does not answer'));
  const usedBytes = async (): Promise<number> => Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
  const clock = new AsteriskClock();
  const registry = new Registry({ link: obedient, app: APP, prompts: new Prompts({ link: obedient, app: APP, media: 'sound:beep' }), store, finisher: new Finisher(store, LOG), meter: NO_METER, mayAct: () => true, asked: () => () => undefined }, clock, LOG);
  const moment = clock.now();
  const before = { heap: heapBytes(), redis: await usedBytes() };
  for (let at = 0; at < count; at += AT_ONCE) {
    await talk(registry, clock, Array.from({ length: AT_ONCE }, (_, index) => ({ ...callOf(at + index), arrived: moment })));
  }
  await until(async () => ((await redis.hget(`tollgate:call:${callOf(count - 1).id}`, 'state')) === 'answered' ? undefined : 'the last one is not answered'), { timeoutMs: 60_000 });
  const after = { heap: heapBytes(), redis: await usedBytes() };
  if (registry.active !== count) throw new Error(`${registry.active} calls are up, not ${count}: the figures mean nothing.`);
  registry.stop();
  redis.disconnect();
  await store.close();
  await Promise.all([postgres.stop(), redisServer.stop()]);
  return { calls: count, nodeBytes: (after.heap - before.heap) / count, redisBytes: (after.redis - before.redis) / count };
}
