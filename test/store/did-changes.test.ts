/** The life of a DID: only the allowed changes of status, over all pairs, each recorded with who and when. */
import t from 'tap';
import { closeServers, connect, freshDatabase } from './servers.ts';
import { smallTenant } from './tenant.ts';

t.teardown(closeServers);

const STATUSES = ['free', 'reserved', 'active', 'closed', 'terminated'] as const;
type Status = (typeof STATUSES)[number];

/** As DID Management tells it, beside the way back of a user who changed his mind. */
const ALLOWED: Readonly<Record<Status, readonly Status[]>> = {
  free: ['reserved', 'terminated'],
  reserved: ['active', 'free'],
  active: ['closed'],
  closed: ['active', 'free', 'terminated'],
  terminated: ['free'],
};

const ownerOf = (status: Status): number | null => (status === 'free' ? null : 5);

t.test('over all pairs, exactly the allowed changes are possible', async (t) => {
  const client = await connect(await freshDatabase());
  await smallTenant(client);
  for (const from of STATUSES) {
    for (const to of STATUSES) {
      if (from === to) continue;
      const did = `44${STATUSES.indexOf(from)}${STATUSES.indexOf(to)}`;
      await client.query('insert into dids (did, provider_id, status, user_id) values ($1, 3, $2, $3)', [did, from, ownerOf(from)]);
      const change = client.query('update dids set status = $2, user_id = $3 where did = $1', [did, to, ownerOf(to)]);
      if (ALLOWED[from].includes(to)) await change;
      else await t.rejects(change, { message: `DID ${did} is ${from} and cannot become ${to}` }, `${from} to ${to}`);
      const { rows } = await client.query('select c.from_status, c.to_status from did_changes c join dids d on d.id = c.did_id where d.did = $1 order by c.id', [did]);
      const entered = { from_status: null, to_status: from };
      t.strictSame(rows, ALLOWED[from].includes(to) ? [entered, { from_status: from, to_status: to }] : [entered], `the record of ${from} to ${to}`);
    }
  }
});

t.test('the record says who, and when; what is no change of status is none', async (t) => {
  const client = await connect(await freshDatabase());
  await smallTenant(client);
  await client.query(`begin; set local tollgate.who = 'ann'; update dids set status = 'closed' where id = 9; commit; update dids set status = 'closed', comment = 'x' where id = 9; update dids set status = 'active' where id = 9`);
  const { rows } = await client.query(`select who = session_user as role, case when who = 'ann' then who end as name, at > now() - interval '1 minute' as now, from_status, to_status, user_id from did_changes where did_id = 9 order by id`);
  t.strictSame(rows, [
    { role: true, name: null, now: true, from_status: null, to_status: 'active', user_id: 5 },
    { role: false, name: 'ann', now: true, from_status: 'active', to_status: 'closed', user_id: 5 },
    { role: true, name: null, now: true, from_status: 'closed', to_status: 'active', user_id: 5 },
  ]);
});

t.test('a closed DID is kept for its user', async (t) => {
  const client = await connect(await freshDatabase());
  await smallTenant(client);
  await client.query(`insert into users (id, username) values (55, 'eve'); update dids set status = 'closed', device_id = null where id = 9`);
  await t.rejects(client.query(`update dids set status = 'active', user_id = 55 where id = 9`), /is kept for user 5/);
  await client.query(`update dids set status = 'active' where id = 9`);
});

t.test('a DID loses its further devices with the first, with its user, and when it takes no more calls', async (t) => {
  const client = await connect(await freshDatabase());
  await smallTenant(client);
  await client.query(`insert into devices (id, user_id, endpoint, secret) values (71, 5, 'second', 'x'), (72, 5, 'third', 'x'), (73, 2, 'ritas', 'x')`);
  const CASES: readonly (readonly [string, readonly string[], readonly number[]])[] = [
    ['kept as it is', [`update dids set comment = 'x', ring = 'at_once' where id = 9`], [71, 72]],
    ['a further one that becomes the first', [`update dids set device_id = 72 where id = 9`], [71]],
    ['without a device', [`update dids set device_id = null where id = 9`], []],
    ['a target outside', [`update dids set device_id = null, external = 'SIP/1@x' where id = 9`], []],
    ['another user', [`update dids set user_id = 2, device_id = 73 where id = 9`], []],
    ['closed', [`update dids set status = 'closed' where id = 9`], []],
    ['closed and terminated', [`update dids set status = 'closed' where id = 9`, `insert into did_devices (did_id, device_id, position) values (9, 71, 2)`, `update dids set status = 'terminated' where id = 9`], []],
    ['closed for long enough', [`update dids set status = 'closed' where id = 9`, `insert into did_devices (did_id, device_id, position) values (9, 71, 2)`, `select free_closed_dids(interval '-1 second')`], []],
    ['deleted', [`delete from dids where id = 9`], []],
  ];
  for (const [what, changes, left] of CASES) {
    await client.query(`begin; insert into did_devices (did_id, device_id, position) values (9, 71, 2), (9, 72, 3)`);
    for (const change of changes) await client.query(change);
    t.strictSame((await client.query<{ device_id: number }>('select device_id from did_devices where did_id = 9 order by position')).rows.map((row) => row.device_id), left, what);
    await client.query('rollback');
  }
  await client.query(`update dids set ring = 'at_once' where id = 9; update dids set status = 'closed' where id = 9; update dids set status = 'free', user_id = null, device_id = null where id = 9`);
  t.match((await client.query('select ring from dids where id = 9')).rows, [{ ring: 'in_turn' }], 'the next user begins anew');
});

t.test('after its days a closed DID is free again, and nobody else', async (t) => {
  const client = await connect(await freshDatabase());
  await smallTenant(client);
  await client.query(`insert into dids (did, provider_id, status, user_id, status_since) values
    ('441', 3, 'closed', 5, now() - interval '91 days'), ('442', 3, 'closed', 5, now() - interval '89 days'), ('443', 3, 'active', 5, now() - interval '91 days')`);
  const { rows } = await client.query(`select free_closed_dids(interval '90 days') as freed`);
  t.strictSame(rows, [{ freed: 1 }]);
  const left = await client.query(`select did, status, user_id from dids where did like '44%' order by did`);
  t.strictSame(left.rows, [{ did: '441', status: 'free', user_id: null }, { did: '442', status: 'closed', user_id: 5 }, { did: '443', status: 'active', user_id: 5 }]);
  t.strictSame((await client.query(`select free_closed_dids(interval '90 days') as freed`)).rows, [{ freed: 0 }]);
});
