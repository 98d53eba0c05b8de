/** `did` as an operator runs it. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { newFolder } from '../lab/lab-folder.ts';
import { PROGRAM } from './program.ts';
import { closeServers, connect, freshDatabase } from '../store/servers.ts';
import { smallTenant } from '../store/tenant.ts';

t.teardown(closeServers);

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const postgresUrl = await freshDatabase();
const client = await connect(postgresUrl);
await smallTenant(client);
await client.query(`insert into dids (did, provider_id) values ('4420', 3)`);
const config = join(newFolder('did'), 'tollgate.yaml');
writeFileSync(config, JSON.stringify({ postgresUrl, redisUrl: 'redis://127.0.0.1:1', asterisk: [{ id: 1, password: 'x' }] }));

function did(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...PROGRAM, '--config', config, 'did', ...args], { cwd: PROJECT, timeout: 60_000 }, (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }));
  });
}

const { rows: [names] } = await client.query<{ user: string; device: string }>('select u.username as "user", v.endpoint as device from users u, devices v where u.id = 5 and v.id = 7');

t.test('a DID is led through its life, and shows who did it', async (t) => {
  t.match(await did('4420', '--to', 'reserved', '--user', names?.user ?? '', '--who', 'ann'), { code: 0, out: /DID 4420 of provider .*: reserved since / });
  t.match(await did('4420', '--to', 'active', '--device', names?.device ?? '', '--who', 'ann'), { code: 0 });
  t.match(await did('4420', '--to', 'closed', '--who', 'bob'), { code: 0 });
  t.match(await did('4420', '--to', 'active', '--external', 'SIP/100@sip.example.com', '--who', 'bob'), { code: 0, out: /leads to SIP\/100@sip\.example\.com/ });
  t.match(await did('4420', '--to', 'closed', '--who', 'bob'), { code: 0 });
  t.match(await did('4420', '--to', 'free', '--who', 'bob'), { code: 0, out: /user none, leads to nothing/ });
  const { out } = await did('4420', '--json');
  const { changes, ...now } = JSON.parse(out) as { changes: Record<string, unknown>[] };
  t.match(now, { did: '4420', status: 'free', user: null, devices: [], external: null });
  t.match(changes.map(({ who, from, to }) => [who, from, to]), [
    [/./, null, 'free'], ['ann', 'free', 'reserved'], ['ann', 'reserved', 'active'], ['bob', 'active', 'closed'], ['bob', 'closed', 'active'], ['bob', 'active', 'closed'], ['bob', 'closed', 'free'],
  ]);
  t.equal(changes[1]?.['user'], names?.user);
});

t.test('several devices are shown in their order; one that is named is then the only one', async (t) => {
  await client.query(`insert into devices (id, user_id, endpoint, secret) values (71, 5, 'second', 'x'), (72, 5, 'third', 'x');
    insert into dids (id, did, provider_id, status, user_id, device_id) values (90, '4430', 3, 'reserved', 5, 7); insert into did_devices (did_id, device_id, position) values (90, 72, 2), (90, 71, 3)`);
  t.match(await did('4430'), { code: 0, out: /leads to devices alice1, third, second, in turn/ });
  t.match(JSON.parse((await did('4430', '--json')).out), { devices: ['alice1', 'third', 'second'], ring: 'in_turn' });
  t.match(await did('4430', '--to', 'active'), { code: 0, out: /leads to devices alice1, third, second/ });
  t.match(await did('4430', '--to', 'closed'), { code: 0, out: /leads to device alice1\n/ });
  await client.query('insert into did_devices (did_id, device_id, position) values (90, 72, 2), (90, 71, 3)');
  t.match(await did('4430', '--to', 'active', '--device', 'second'), { code: 0, out: /leads to device second\n/ });
  t.match(await did('4430', '--to', 'closed'), { code: 0 });
  await client.query('insert into did_devices (did_id, device_id, position) values (90, 72, 2)');
  t.match(await did('4430', '--to', 'free'), { code: 0, out: /leads to nothing/ });
});

t.test('what is not allowed changes nothing, and says why', async (t) => {
  const cases = [
    [['4420', '--to', 'active', '--user', names?.user ?? ''], /DID 4420 is free and cannot become active/],
    [['4420', '--to', 'free'], /is free already/],
    [['4420', '--to', 'reserved'], /breaks the rule: reserved or active did needs a user/],
    [['4420', '--to', 'reserved', '--user', 'nobody'], /There is no user nobody/],
    [['4420', '--to', 'reserved', '--user', names?.user ?? '', '--external', 'SIP/1 0@x'], /breaks the rule: dids external check/],
    [['4499'], /There is no DID 4499/],
    [['4420', '--user', 'x'], /go with --to/],
    [['4420', '--to', 'sold'], /Allowed choices are free, reserved/],
    [["4420'; drop table dids; --"], /There is no DID/],
  ] as const;
  const ran = await Promise.all(cases.map(async ([args]) => did(...args)));
  for (const [index, [args, reason]] of cases.entries()) t.match(ran[index], { code: 1, err: reason }, args.join(' '));
  t.match((await client.query(`select status, user_id from dids where did = '4420'`)).rows, [{ status: 'free', user_id: null }]);
});
