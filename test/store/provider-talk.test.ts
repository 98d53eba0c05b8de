/** What is read of the talk of providers with limits: this month's and today's, in the zone of each. */
import t from 'tap';
import { openStore } from '../../store/open.ts';
import { readTalk } from '../../store/provider-talk.ts';
import { until } from '../lab/wait.ts';
import { closeServers, connect, freshDatabase, freshRedis, memoryLog } from './servers.ts';
import { smallTenant } from './tenant.ts';

t.teardown(closeServers);

t.test('this month and today', async (t) => {
  const client = await connect(await freshDatabase());
  await smallTenant(client);
  t.same([...(await readTalk(client))], [], 'no limits, no question');
  await client.query(`update providers set daily_minutes = 10, time_zone = 'Pacific/Kiritimati' where id = 3`);
  t.same([...(await readTalk(client))], [[3, { monthS: 0, dayS: 0 }]]);
  await client.query(`insert into provider_talk select 3, (now() at time zone 'Pacific/Kiritimati')::date, 90`);
  await client.query(`insert into provider_talk select 3, date_trunc('month', now() at time zone 'Pacific/Kiritimati')::date, 30 on conflict (provider_id, day) do update set seconds = 120`);
  await client.query(`insert into provider_talk select 3, date_trunc('month', now() at time zone 'Pacific/Kiritimati')::date - 1, 1000`);
  const [, talk] = [...(await readTalk(client))][0] ?? [];
  t.equal(talk?.monthS, 120, 'nothing of the month before');
  t.ok(talk?.dayS === 90 || talk?.dayS === 120, 'the latter on the first of the month');
});

t.test('a store reads it while there is a limit, and what is counted within a second', async (t) => {
  const url = await freshDatabase();
  const client = await connect(url);
  await smallTenant(client);
  await client.query('insert into provider_talk select 3, (now() at time zone $$UTC$$)::date, 60');
  const store = openStore({ postgresUrl: url, redisUrl: await freshRedis(), priceDecimals: 6, flashAlarm: 0, qualityWindowMinutes: 60, closedDidDays: 90, reconcileEveryMs: 30_000, settleBatch: 500, settleEveryMs: 50, log: memoryLog().log });
  t.teardown(() => store.close());
  await store.ready();
  t.same([...store.talk()], []);
  await client.query('update providers set monthly_minutes = 5 where id = 3');
  await until(() => (store.talk().get(3)?.monthS === 60 ? undefined : 'what was talked before is not read yet'));
  await client.query('update provider_talk set seconds = 300');
  await until(() => (store.talk().get(3)?.monthS === 300 ? undefined : 'what is talked now is not read yet'));
  await client.query('update providers set monthly_minutes = 0 where id = 3');
  await until(() => (store.talk().size === 0 ? undefined : 'it is still read'));
});
