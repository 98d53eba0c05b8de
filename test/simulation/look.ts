/** Looks at Redis from outside: sums against the calls that are up, and what is left when none is. */
import { ACCOUNTS } from './tenant.ts';
import type { Simulation } from './simulation.ts';
import { UNITS } from './store.ts';

/** All in one look, so that nothing comes between: calls with what they hold, counters, payers. */
const LOOK = `
local calls = {}
for _, id in ipairs(redis.call('ZRANGE', 'tollgate:live', 0, -1)) do
  calls[#calls + 1] = {id, redis.call('HGETALL', 'tollgate:call:' .. id)}
end
local counters = {}
for _, key in ipairs(redis.call('KEYS', 'tollgate:calls:*')) do counters[#counters + 1] = {key, redis.call('GET', key)} end
local payers = {}
for _, id in ipairs(ARGV) do payers[#payers + 1] = {id, redis.call('HGETALL', 'tollgate:payer:' .. id)} end
return {calls, counters, payers, redis.call('XLEN', 'tollgate:cdr'), redis.call('XLEN', 'tollgate:cdr:refused'), #redis.call('KEYS', 'tollgate:call:*')}`;

type Pairs = readonly string[];
type Look = readonly [calls: readonly [string, Pairs][], counters: readonly [string, string][], payers: readonly [string, Pairs][], waiting: number, refused: number, hashes: number];

async function look(simulation: Simulation): Promise<Look> {
  return (await simulation.look(['EVAL', LOOK, 0, ...ACCOUNTS.map(({ id }) => id)])) as unknown as Look;
}

function fieldsOf(pairs: Pairs): Map<string, string> {
  const fields = new Map<string, string>();
  for (let at = 0; at + 1 < pairs.length; at += 2) fields.set(pairs[at] ?? '', pairs[at + 1] ?? '');
  return fields;
}

/** Counters and holds are the sums over the calls that are up. */
export async function sums(simulation: Simulation): Promise<readonly string[]> {
  const [calls, counters, payers, , , hashes] = await look(simulation);
  const must = new Map<string, bigint>();
  const add = (key: string, amount: bigint): unknown => must.set(key, (must.get(key) ?? 0n) + amount);
  for (const [, pairs] of calls) {
    const fields = fieldsOf(pairs);
    for (const key of `${fields.get('_held') ?? ''} ${fields.get('_way_held') ?? ''}`.split(' ')) if (key !== '') add(key, 1n);
    for (const [field, value] of fields) if (field.startsWith('_hold:')) add(`reserved of ${field.slice('_hold:'.length)}`, BigInt(value));
  }
  const is = new Map(counters.map(([key, value]) => [key, BigInt(value)]));
  for (const [id, pairs] of payers) is.set(`reserved of ${id}`, BigInt(fieldsOf(pairs).get('reserved') ?? '0'));
  const keys = new Set([...must.keys(), ...is.keys()]);
  const wrong = [...keys].filter((key) => (must.get(key) ?? 0n) !== (is.get(key) ?? 0n)).map((key) => `${key} is ${is.get(key) ?? 0n}, the calls that are up make ${must.get(key) ?? 0n}`);
  return hashes === calls.length ? wrong : [...wrong, `${hashes} hashes of calls, ${calls.length} calls are up`];
}

/** When no call is up and everything is settled: nothing. */
export async function leftOvers(simulation: Simulation): Promise<readonly string[]> {
  const [calls, counters, payers, waiting, refused, hashes] = await look(simulation);
  const found: string[] = [];
  if (calls.length > 0) found.push(`calls that nobody has are up in Redis: ${calls.map(([id]) => id).join(', ')}`);
  if (hashes > 0 && calls.length === 0) found.push(`${hashes} hashes of calls are left`);
  for (const [key, value] of counters) found.push(`${key} is stuck at ${value}`);
  if (waiting > 0) found.push(`${waiting} calls are not settled`);
  if (refused > 0) found.push(`${refused} calls were put aside`);
  for (const [id, pairs] of payers) {
    const fields = fieldsOf(pairs);
    for (const field of ['reserved', 'pending']) if ((fields.get(field) ?? '0') !== '0') found.push(`${field} of user ${id} is ${fields.get(field)}`);
    const { balance, version } = simulation.bank.spendable(Number(id));
    if (pairs.length > 0 && (fields.get('balance') !== UNITS.owned(balance) || fields.get('version') !== String(version))) found.push(`Redis has ${fields.get('balance')} of version ${fields.get('version')} for user ${id}, Postgres ${UNITS.owned(balance)} of version ${version}`);
  }
  return found;
}
