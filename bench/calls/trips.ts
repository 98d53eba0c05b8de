/**
 * What one call asks of Redis, watched on the wire, while Postgres is frozen: a call that is answered then has waited
 * for no statement of Postgres.
 */
import type { House } from './house.ts';
import { CALLER_IPS } from './house.ts';
import { scriptDigests } from '../../store/redis/scripts.ts';
import { call } from '../../test/lab/sipp.ts';
import type { SippResult } from '../../test/lab/sipp.ts';
import { until } from '../../test/lab/wait.ts';

export interface Trips {
  /** Scripts in the order in which Redis saw them. */
  readonly scripts: readonly string[];
  readonly beforeDialling: number;
  readonly afterTheEnd: number;
  /** Calls that failed because Postgres did not answer. */
  readonly waitedForPostgres: number;
}

/** Scripts that no call waits for: the daemon's own, and those that follow a call behind its back. */
const BESIDE_THE_CALL: ReadonlySet<string> = new Set(['lease', 'release', 'repair', 'update-live', 'settled', 'set-balances']);

function oneCall(house: House): Promise<SippResult> {
  return call({ scenario: 'call', target: house.asterisk, ip: CALLER_IPS.tollgate, from: '37060000001', to: '37061234567', values: { holdMs: 800 }, trace: false });
}

export async function watchTrips(house: House): Promise<Trips> {
  const names = scriptDigests();
  // The first call of all sends the scripts whole.
  await oneCall(house);
  const monitor = await house.redis.monitor();
  const seen: string[] = [];
  monitor.on('monitor', (_time: string, words: string[]) => {
    const name = words[0]?.toLowerCase() === 'evalsha' ? names.get(words[1] ?? '') : undefined;
    if (name !== undefined) seen.push(name);
  });
  const frozen = house.freezePostgres();
  const result = await oneCall(house);
  frozen.thaw();
  const waitedForPostgres = result.exitCode === 0 ? 0 : 1;
  await until(() => (seen.includes('finish') ? undefined : `the end is not in Redis yet, only ${seen.join(', ')}`), { timeoutMs: 20_000 });
  await until(() => (seen.includes('settled') ? undefined : 'the call is not settled yet'), { timeoutMs: 20_000 });
  monitor.disconnect();
  const path = seen.filter((name) => !BESIDE_THE_CALL.has(name));
  const end = path.indexOf('finish');
  return { scripts: seen, beforeDialling: end, afterTheEnd: path.length - end, waitedForPostgres };
}
