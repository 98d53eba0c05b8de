/** One load on one variant: what failed, how long the set-up took, what it cost. */
import { setTimeout as delay } from 'node:timers/promises';
import type { House, Variant } from './house.ts';
import { CALLER_IPS } from './house.ts';
import { call } from '../../test/lab/sipp.ts';
import { until } from '../../test/lab/wait.ts';

export interface Load {
  readonly variant: Variant;
  readonly ratePerSecond: number;
  readonly seconds: number;
}

export interface Figures extends Load {
  readonly calls: number;
  readonly failed: number;
  /** Channels that stayed up and had to be hung up by hand; each fails a call. */
  readonly stuck: number;
  /** What SIPp says of the failed ones. */
  readonly errors: string;
  readonly setupP50Ms: number;
  readonly setupP95Ms: number;
  readonly setupP99Ms: number;
  readonly nodeMsPerCall: number;
  readonly asteriskMsPerCall: number;
  /** Scripts of all kinds, the live view's and the settler's too (`trips.ts` tells them apart). */
  readonly redisScriptsPerCall: number;
  readonly redisOtherPerCall: number;
  readonly postgresTransactionsPerCall: number;
}

const HOLD_MS = 1000;
/** Channels that are still there so long after the last call has ended are stuck. */
const STUCK_AFTER_MS = 15_000;

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Calls of each Redis command so far. */
async function commands(house: House): Promise<ReadonlyMap<string, number>> {
  const text = await house.redis.info('commandstats');
  return new Map([...text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map((match) => [match[1] ?? '', Number(match[2])]));
}

async function transactions(house: House): Promise<number> {
  await house.db.query('select pg_stat_clear_snapshot()');
  const { rows } = await house.db.query<{ n: string }>('select xact_commit as n from pg_stat_database where datname = current_database()');
  return Number(rows[0]?.n ?? 0);
}

/** Scripts, and all other commands. */
function scripts(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): { evalsha: number; other: number } {
  const delta = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  const evalsha = delta('evalsha');
  const inner = new Set(['info', 'evalsha']);
  let all = 0;
  for (const name of after.keys()) if (!inner.has(name)) all += delta(name);
  return { evalsha, other: all };
}

/** Waits until all channels are gone; what stays is counted and hung up, so that the next load begins with none. */
export async function channelsLeft(house: House): Promise<number> {
  const deadline = performance.now() + STUCK_AFTER_MS;
  let left = await house.asterisk.channelCount();
  while (left > 0 && performance.now() < deadline) {
    await delay(200);
    left = await house.asterisk.channelCount();
  }
  if (left === 0) return 0;
  await house.asterisk.cli('channel request hangup all');
  await until(async () => ((await house.asterisk.channelCount()) === 0 ? undefined : 'channels cannot be hung up'), { timeoutMs: 60_000, everyMs: 200 });
  return left;
}

export async function measure(house: House, load: Load): Promise<Figures> {
  const before = { node: house.nodeCpuSeconds(load.variant), asterisk: house.asterisk.cpuSeconds(), redis: await commands(house), postgres: await transactions(house) };
  const calls = load.ratePerSecond * load.seconds;
  const result = await call({
    scenario: 'call',
    target: house.asterisk,
    ip: CALLER_IPS[load.variant],
    from: '37060000001',
    to: '37061234567',
    values: { holdMs: HOLD_MS },
    calls,
    ratePerSecond: load.ratePerSecond,
    trace: false,
    timeoutS: load.seconds + 30,
  });
  const stuck = await channelsLeft(house);
  const after = { node: house.nodeCpuSeconds(load.variant), asterisk: house.asterisk.cpuSeconds(), redis: await commands(house), postgres: await transactions(house) };
  const sorted = [...result.setupTimesMs].sort((a, b) => a - b);
  const { evalsha, other } = scripts(before.redis, after.redis);
  return {
    ...load,
    calls,
    failed: calls - result.stats.successful + stuck,
    stuck,
    errors: result.errors.slice(0, 2000),
    setupP50Ms: percentile(sorted, 0.5),
    setupP95Ms: percentile(sorted, 0.95),
    setupP99Ms: percentile(sorted, 0.99),
    nodeMsPerCall: ((after.node - before.node) * 1000) / calls,
    asteriskMsPerCall: ((after.asterisk - before.asterisk) * 1000) / calls,
    redisScriptsPerCall: evalsha / calls,
    redisOtherPerCall: other / calls,
    postgresTransactionsPerCall: (after.postgres - before.postgres) / calls,
  };
}
