import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Client } from 'pg';
import { openStore } from '../../store/open.ts';
import { listRerates } from '../../store/rerate/list.ts';
import { rerate } from '../../store/rerate/rerate.ts';
import type { RerateReport } from '../../store/rerate/report.ts';
import { undoRerate } from '../../store/rerate/undo.ts';
import { amountText } from '../calls/auditor.ts';
import { until } from '../lab/wait.ts';
import { pick, seededRandom } from '../rating/random-rates.ts';
import { closeServers, connect, connectToRedis, freshDatabase, freshRedis, memoryLog } from './servers.ts';
import { FROM, TARIFFS, TO, World } from './rerate-world.ts';
import type { Kind } from './rerate-world.ts';
import { SEED } from '../seed.ts';

t.teardown(closeServers);
const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

interface Stage {
  readonly url: string;
  readonly world: World;
  readonly other: Client;
  readonly run: (kind: Kind, name: string, parts?: { apply?: boolean; batch?: number; from?: number; to?: number }) => Promise<RerateReport>;
  readonly undo: (id: number, batch?: number) => ReturnType<typeof undoRerate>;
}

async function stage(calls: number): Promise<Stage> {
  const url = await freshDatabase();
  const world = new World(await connect(url), url, seededRandom(SEED));
  await world.build();
  await world.settle(calls);
  return {
    url, world, other: await connect(url),
    run: (kind, name, { apply = true, batch = 100, from = FROM, to = TO } = {}) => rerate({ postgresUrl: url, priceDecimals: 6, rounding: 'up', asked: { kind, name, fromMs: from, toMs: to }, applyAs: apply ? 'tester' : null, batch }),
    undo: (id, batch = 100) => undoRerate({ postgresUrl: url, id, by: 'tester', batch }),
  };
}

const SELECTIONS: readonly (readonly [Kind, number, string])[] = [['tariff', 2, 'Users'], ['user', 31, 'anna'], ['user', 20, 'rita'], ['user', 34, 'dora'], ['provider', 51, 'Carrier A'], ['tariff', 8, 'DID providers'], ['tariff', 1, 'Carriers']];
const EVERY = Object.keys(TARIFFS).map(Number) as (keyof typeof TARIFFS)[];

t.test(`the auditor agrees with the calls as they were settled (seed ${SEED}; TEST_SEED repeats it)`, async (t) => {
  const { world, run } = await stage(800);
  t.strictSame(await world.differences(), []);
  const before = await world.snapshot();
  for (const [kind, , name] of SELECTIONS) t.match(await run(kind, name), { outcome: 'nothing to change', id: null, changes: 0, kept: [] });
  t.equal(await world.snapshot(), before, 'tariffs that are as they were change nothing, and leave no record');
});

t.test('a dry run tells what the application does, and does nothing; applied twice, the second changes nothing', async (t) => {
  const { world, run } = await stage(1500);
  for (const id of EVERY) await world.correct(id);
  for (const [kind, id, name] of SELECTIONS) {
    const before = await world.snapshot();
    const planned = await run(kind, name, { apply: false });
    t.equal(await world.snapshot(), before, `${kind} ${name}: a dry run writes nothing`);
    const must = world.rerated(kind, id);
    t.equal(planned.changes, must.changed);
    t.equal(planned.kept.reduce((sum, { prices }) => sum + prices, 0), must.kept, 'what has no rate now is listed');
    const applied = await run(kind, name, { batch: pick(world.random, [1, 7, 100, 5000]) });
    t.equal(applied.outcome, must.changed === 0 ? 'nothing to change' : 'applied');
    t.strictSame({ ...applied, outcome: '', id: 0 }, { ...planned, outcome: '', id: 0 }, 'the same differences and balances');
    const moved = Object.fromEntries(applied.accounts.map(({ account, name: who, change }) => [`${account} ${who}`, amountText(change)]));
    const names: Record<string, string> = { 10: 'paula', 20: 'rita', 31: 'anna', 32: 'bert', 33: 'cleo', 34: 'dora', 51: 'Carrier A', 52: 'Carrier B' };
    t.strictSame(moved, Object.fromEntries([...must.moved].map(([key, change]) => [`${key.split(' ')[0]} ${names[key.split(' ')[1] ?? '']}`, amountText(change)])));
    t.strictSame(await world.differences(), [], `${kind} ${name}: CDRs, ledger and balances`);
    const after = await world.snapshot();
    t.match(await run(kind, name), { outcome: 'nothing to change', changes: 0 });
    t.equal(await world.snapshot(), after);
  }
});

t.test('undone in the order back, everything is as it was; twice changes nothing', async (t) => {
  const { world, run, undo } = await stage(600);
  const calls = await world.snapshot('calls');
  const prices = world.keepPrices();
  const ids: number[] = [];
  for (const round of [1, 2, 3]) {
    await world.replace(2);
    const { id, changes } = await run('tariff', 'Users', { from: FROM + round });
    world.rerated('tariff', 2, [FROM + round, TO]);
    if (id !== null) ids.push(id);
    t.ok(changes > 0, `round ${round} compares with what is in force`);
  }
  t.strictSame(await world.differences(), []);
  const [first, second, third] = ids as [number, number, number];
  await t.rejects(undo(first), { name: 'RerateError', message: new RegExp(`Re-rating ${third} changed some of the same prices later.*rerate --undo ${third}`) });
  t.match(await undo(third, 7), { run: { state: 'undone', undoneBy: 'tester' } });
  const ledger = await world.snapshot();
  t.match(await undo(third), { changes: 0 });
  t.equal(await world.snapshot(), ledger);
  await undo(second);
  t.ok((await undo(first)).changes > 0);
  world.backTo(prices);
  t.equal(await world.snapshot('calls'), calls, 'every CDR to the last letter');
  t.strictSame(await world.differences(), []);
  t.ok((await run('tariff', 'Users')).changes > 0, 'and it can be applied again');
});

/** A real process that re-rates in small batches. */
function start(url: string, job: string): ChildProcess {
  const code = `import { rerate } from '${PROJECT}store/rerate/rerate.ts'; import { undoRerate } from '${PROJECT}store/rerate/undo.ts'; const postgresUrl = '${url}'; await ${job};`;
  return spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', code], { cwd: PROJECT, stdio: ['ignore', 'inherit', 'inherit'] });
}

const APPLY = `rerate({ postgresUrl, priceDecimals: 6, rounding: 'up', asked: { kind: 'user', name: 'rita', fromMs: ${FROM}, toMs: ${TO} }, applyAs: 'tester', batch: 50 })`;

/** Kills the process while a batch of its waits for an account, some batches after it began. */
async function killAt(s: Stage, process: ChildProcess, batches: number): Promise<void> {
  const ended = once(process, 'exit');
  for (let seen = 0; seen < batches; seen++) {
    await s.other.query('begin');
    await s.other.query('select from users where id = 20 for update');
    await until(async () => ((await waiting(s)) > 0 ? undefined : 'it does not wait for the account yet'), { timeoutMs: 20_000 });
    if (seen === batches - 1) process.kill('SIGKILL');
    else {
      await s.other.query('commit');
      await until(async () => ((await waiting(s)) === 0 ? undefined : 'it still waits for the account'));
    }
  }
  t.strictSame(await ended, [null, 'SIGKILL']);
  await s.other.query('commit');
  await until(async () => ((await s.world.client.query(`select from pg_stat_activity where application_name = 'tollgate rerate' and datname = current_database()`)).rowCount === 0 ? undefined : 'Postgres has not noticed its end yet'));
}

async function waiting({ world }: Stage): Promise<number> {
  return (await world.client.query(`select from pg_stat_activity where application_name = 'tollgate rerate' and datname = current_database() and wait_event_type = 'Lock'`)).rowCount ?? 0;
}

t.test('killed in the middle of a batch, it goes on behind the last one, and nothing is booked twice', async (t) => {
  const s = await stage(1500);
  const { world } = s;
  const calls = await world.snapshot('calls');
  const prices = world.keepPrices();
  await world.replace(3);
  await killAt(s, start(s.url, APPLY), 3);
  const [run] = await listRerates(s.url);
  t.match(run, { state: 'running', kind: 'user', name: 'rita', startedBy: 'tester' });
  const done = run?.changes ?? 0;
  await t.rejects(s.run('user', 'anna'), { name: 'RerateError', message: /Re-rating 1 is unfinished; `rerate --user "rita" --from 2026-11-01T00:00:00.000Z --to 2026-12-01T00:00:00.000Z --apply` goes on with it, `rerate --undo 1` takes it back/ });
  await t.rejects(s.undo(2), /no re-rating 2/);
  await killAt(s, start(s.url, APPLY), 2);
  const { changed } = world.rerated('user', 20);
  const last = await s.run('user', 'rita');
  t.ok(done > 0 && last.changedBefore > done && last.changes > 0 && last.changedBefore + last.changes === changed, `${done}, then ${last.changedBefore} of ${changed} prices before the last run`);
  t.match(await listRerates(s.url), [{ id: 1, state: 'applied', changes: changed }], 'all in one re-rating');
  t.strictSame(await world.differences(), []);

  await killAt(s, start(s.url, `undoRerate({ postgresUrl, id: 1, by: 'tester', batch: 50 })`), 3);
  t.match(await listRerates(s.url), [{ state: 'undoing' }]);
  await t.rejects(s.run('user', 'rita'), /Re-rating 1 is half undone; `rerate --undo 1` goes on with it/);
  const undone = await s.undo(1);
  t.ok(undone.changes > 0 && undone.changes < changed, `${undone.changes} of ${changed} were left`);
  world.backTo(prices);
  t.equal(await world.snapshot('calls'), calls);
  t.strictSame(await world.differences(), []);
});

t.test('an unfinished application can be taken back instead', async (t) => {
  const s = await stage(800);
  const calls = await s.world.snapshot('calls');
  await s.world.replace(3);
  await killAt(s, start(s.url, APPLY), 3);
  await s.undo(1);
  t.equal(await s.world.snapshot('calls'), calls);
  t.strictSame(await s.world.differences(), []);
});

t.test('while calls are settled, payments come in and two re-ratings begin at once: to the last digit, and Redis hears of it', async (t) => {
  const { url, world, other, run } = await stage(1500);
  const redisUrl = await freshRedis();
  const redis = connectToRedis(redisUrl);
  const store = openStore({ postgresUrl: url, redisUrl, priceDecimals: 6, flashAlarm: 0, qualityWindowMinutes: 60, closedDidDays: 90, reconcileEveryMs: 30_000, settleBatch: 20, settleEveryMs: 10, log: memoryLog().log });
  t.teardown(() => store.close());
  await store.ready();
  const live = Array.from({ length: 400 }, () => world.randomCall());
  for (const { naive } of live) world.happened(naive);
  await world.correct(2, 9);
  const runs = Promise.all([run('tariff', 'Users', { batch: 20 }), run('tariff', 'Users', { batch: 20 })]);
  for (const [index, { naive, cdrs, debits }] of live.entries()) {
    await store.finish({ callId: naive.id, nowMs: naive.atMs, debits, cdrs });
    // Each payment is paid back by the next one.
    if (index % 20 === 0) await other.query(`select change_balance('user', $1, $2, 'payment', $3)`, [31 + (Math.floor(index / 40) % 4), index % 40 === 0 ? 5 : -5, `bank-${index}`]);
  }
  const reports = await runs;
  t.ok(reports.some(({ outcome }) => outcome === 'applied'));
  t.strictSame((await other.query('select uniqueid, level from rerate_changes group by 1, 2 having count(*) > 1')).rows, [], 'no price was changed by both');
  await until(async () => ((await store.backlog()).waiting === 0 ? undefined : 'calls wait to be settled'));
  // Calls that were settled at the old price behind it are found by the next one.
  await run('tariff', 'Users', { batch: 20 });
  world.rerated('tariff', 2);
  t.strictSame((await world.differences()).filter((line) => !/^ledger of user \d+ bank-\d+:/.test(line)), []);
  for (const { id, balance } of (await other.query('select id, balance from users where id > 0')).rows) {
    await until(async () => {
      const known = await redis.hget(`tollgate:payer:${id}`, 'balance');
      return known !== null && BigInt(known) * 10_000n === BigInt(String(balance).replace('.', '')) ? undefined : `user ${id}: Redis has ${known}, Postgres ${balance}`;
    });
  }
});

t.test('what cannot be done says so, and leaves everything as it was', async (t) => {
  const { world, run, undo, other } = await stage(300);
  const before = await world.snapshot();
  await t.rejects(run('tariff', 'User'), { name: 'RerateError', message: /There is no tariff "User"\. Did you mean `Users`\?/ });
  await t.rejects(run('user', `'; drop table calls; --`), /There is no user/);
  await t.rejects(run('user', 'anna', { from: TO, to: FROM }), /The period is empty/);
  await t.rejects(undo(7), /There is no re-rating 7; `rerate --list` shows them/);
  t.equal(await world.snapshot(), before);

  await world.replace(2);
  const { id } = await run('tariff', 'Users');
  const [row] = (await other.query(`select uniqueid from rerate_changes where rerate_id = $1 limit 1`, [id])).rows;
  await other.query(`update calls set user_price = 7 where uniqueid = $1`, [row.uniqueid]);
  await t.rejects(undo(id ?? 0), new RegExp(`The user price of call ${row.uniqueid.replace('.', '\\.')} is no longer [0-9.]+: something else changed or removed its CDR`));
  t.match(await run('tariff', 'Carriers').catch((error: Error) => error.message), /half undone/);
});
