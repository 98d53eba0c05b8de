/** `topup` as an operator, or a payment provider's script, runs it. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { newFolder } from '../lab/lab-folder.ts';
import { closeServers, connect, freshDatabase } from '../store/servers.ts';
import { smallTenant } from '../store/tenant.ts';
import { PROGRAM } from './program.ts';

t.teardown(closeServers);

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const postgresUrl = await freshDatabase();
const client = await connect(postgresUrl);
await smallTenant(client);
const folder = newFolder('topup');

function settings(name: string, url: string): string {
  const file = join(folder, name);
  writeFileSync(file, JSON.stringify({ postgresUrl: url, redisUrl: 'redis://127.0.0.1:1', asterisk: [{ id: 1, password: 'x' }] }));
  return file;
}

const config = settings('tollgate.yaml', postgresUrl);

function topup(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...PROGRAM, '--config', config, 'topup', ...args], { cwd: PROJECT, timeout: 60_000 }, (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }));
  });
}

const payments = async (): Promise<unknown[]> => (await client.query(`select trim_scale(amount)::text as amount, reference, note from balance_ledger where account_id = 5 and account = 'user' and cause = 'payment' order by version`)).rows;

t.test('a payment is booked once for each reference, also when it is sent twice at once', async (t) => {
  t.match(await topup('alice', '20.50', '--reference', 'bank-17', '--note', 'transfer'), { code: 0, out: 'Booked: 20.5 USD for alice (bank-17). The balance is 30.5 USD.\n', err: '' });
  t.match(await topup('alice', '20.5', '--reference', 'bank-17'), { code: 0, out: /^Booked already on .*: 20.5 USD for alice \(bank-17\); the balance was 30.5 USD then. Nothing is changed/ });
  const twice = await Promise.all([topup('alice', '1', '--reference', 'bank-18', '--json'), topup('alice', '1', '--reference', 'bank-18', '--json')]);
  const told = twice.map(({ out }) => JSON.parse(out) as { fresh: boolean; balance: string });
  t.same(told.map(({ fresh }) => fresh).toSorted((a, b) => Number(a) - Number(b)), [false, true]);
  t.same(told.map(({ balance }) => balance), ['31.5', '31.5'], 'both are told the same');
  t.same(await payments(), [{ amount: '20.5', reference: 'bank-17', note: 'transfer' }, { amount: '1', reference: 'bank-18', note: '' }]);
});

t.test('what cannot be meant is refused with its reason, and nothing is booked', async (t) => {
  const before = await payments();
  const refused: readonly (readonly [RegExp, ...string[]])[] = [
    [/booked with 20.5 on .*; 21 is not booked/, 'alice', '21', '--reference', 'bank-17'],
    [/above 0, not -5/, '--reference', 'x', '--', 'alice', '-5'],
    [/above 0, not 0/, 'alice', '0', '--reference', 'x'],
    [/NaN/, 'alice', 'NaN', '--reference', 'x'],
    [/1e30/, 'alice', '1e30', '--reference', 'x'],
    [/comma/, 'alice', '1,50', '--reference', 'x'],
    [/at most 10/, 'alice', '1.12345678901', '--reference', 'x'],
    [/say --large/, 'alice', '100000.01', '--reference', 'x'],
    [/too large/, 'alice', '1000000000000000', '--reference', 'x', '--large'],
    [/Not booked: .*money_amount/, 'alice', '999999999999', '--reference', 'x', '--large'],
    [/no user "nobody"/, 'nobody', '5', '--reference', 'x'],
    [/admin has no balance/, 'admin', '5', '--reference', 'x'],
    [/required option '--reference/, 'alice', '5'],
    [/is empty/, 'alice', '5', '--reference', ' '],
    [/one line/, 'alice', '5', '--reference', 'a\nb'],
  ];
  for (const [reason, ...args] of refused) {
    const { code, err } = await topup(...args);
    t.equal(code, 1, args.join(' '));
    t.match(err, reason, args.join(' '));
  }
  t.same(await payments(), before);
});

t.test('Postgres away: the reason, and that the same reference may be sent again', async (t) => {
  const away = settings('away.yaml', 'postgres://nobody@127.0.0.1:1/none');
  t.match(await topup('--config', away, 'alice', '5', '--reference', 'x'), { code: 1 });
});
