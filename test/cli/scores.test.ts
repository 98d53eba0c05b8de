/** `scores` and `route` as an operator runs them. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { levelOf } from '../../routing/score.ts';
import { newFolder } from '../lab/lab-folder.ts';
import { PROGRAM } from './program.ts';
import { closeServers, connect, connectToRedis, freshDatabase, freshRedis } from '../store/servers.ts';
import { smallTenant } from '../store/tenant.ts';

t.teardown(closeServers);

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const [postgresUrl, redisUrl] = [await freshDatabase(), await freshRedis()];
const client = await connect(postgresUrl);
await smallTenant(client);
await client.query('insert into blacklist_lcrs values (0, 50, 1)');
const redis = connectToRedis(redisUrl);

function configured(blacklist: object): string {
  const config = join(newFolder('scores'), 'tollgate.yaml');
  writeFileSync(config, JSON.stringify({ postgresUrl, redisUrl, asterisk: [{ id: 1, password: 'x' }], blacklist }));
  return config;
}

const config = configured({ enabled: true, halfLifeHours: 0, defaultDestinationScore: 3 });

function run(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...PROGRAM, '--config', config, ...args], { cwd: PROJECT, timeout: 60_000 }, (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }));
  });
}

const scores = async (...args: readonly string[]): Promise<unknown> => JSON.parse((await run('scores', ...args, '--json')).out);

t.test('what calls raised, what is set, what nobody knows', async (t) => {
  t.match(await run('scores'), { code: 0, out: /Nobody has a score/ });
  await redis.zadd('tollgate:scores:0h', levelOf(40, 0, 0), 'source:3701', levelOf(12, 0, 0), 'destination:3702', levelOf(5, 0, 0), 'ip:192.0.2.1');
  t.same(await scores('source:+3701'), [{ item: 'source:3701', points: 40, from: 'raised' }]);
  t.same(await scores('destination:3702'), [{ item: 'destination:3702', points: 15, from: 'raised' }]);
  t.same(await scores('destination:3703'), [{ item: 'destination:3703', points: 3, from: 'default' }]);
  t.same(await scores('source:3701', '--set', '7'), [{ item: 'source:3701', points: 7, from: 'set' }]);
  t.same(await scores('ip:2001:DB8:0::9', '--set', '60'), [{ item: 'ip:2001:db8::9', points: 60, from: 'set' }]);
  t.same(await scores(), [
    { item: 'ip:2001:db8::9', points: 60, from: 'set' }, { item: 'destination:3702', points: 15, from: 'raised' },
    { item: 'source:3701', points: 7, from: 'set' }, { item: 'ip:192.0.2.1', points: 5, from: 'raised' },
  ]);
  t.same(await scores('--most', '1'), [{ item: 'ip:2001:db8::9', points: 60, from: 'set' }]);
});

t.test('route adds them up for one call', async (t) => {
  const { out } = await run('route', 'alice1', '37061234567', '--from', '3701', '--ip', '2001:db8::9', '--json');
  const { steps } = JSON.parse(out) as { steps: { check: string; detail: string }[] };
  t.same(steps.filter(({ check }) => check === 'dynamic blacklist').map(({ detail }) => detail), ['source 7 (set) + destination 3 (default) + IP 60 (set) = 70, reaches 50 of all users: Main']);
});

t.test('cleared, nothing is left of either', async (t) => {
  t.same(await scores('source:3701', '--clear'), [{ item: 'source:3701', points: 0, from: 'default' }]);
  t.same(await scores('ip:2001:db8::9', '--clear'), [{ item: 'ip:2001:db8::9', points: 0, from: 'default' }]);
  t.same((await client.query('select * from blacklist_scores')).rows, []);
});

t.test('what makes no sense changes nothing, and says why', async (t) => {
  const cases = [
    [['3701'], /"3701" is not source:NUMBER, destination:NUMBER or ip:ADDRESS/],
    [['ip:1.2.3'], /is not source:NUMBER/],
    [['source:a b'], /is not source:NUMBER/],
    [['--set', '5'], /go with an item/],
    [['--clear'], /go with an item/],
    [['source:1', '--set', '-1'], /whole number from 0 to 1000000/],
    [['source:1', '--set', '1000001'], /whole number from 0 to 1000000/],
    [['source:1', '--set', '5', '--clear'], /cannot be used with/],
  ] as const;
  const ran = await Promise.all(cases.map(async ([args]) => run('scores', ...args)));
  for (const [index, [args, reason]] of cases.entries()) t.match(ran[index], { code: 1, err: reason }, args.join(' '));
  t.same((await client.query('select * from blacklist_scores')).rows, []);
});
