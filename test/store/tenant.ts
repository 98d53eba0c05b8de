/** A small tenant, by plain SQL: user 5 (alice) of reseller 2, device 7, provider 3, tariffs 1–3, LCR 1, DID 9. */
import type { Client } from 'pg';

export async function smallTenant(client: Client): Promise<void> {
  await client.query(`
    insert into tariffs (id, name, purpose) values (1, 'Carrier', 'provider'), (2, 'Users', 'user_wholesale'), (3, 'DIDs', 'did'), (4, 'Retail', 'user_retail');
    insert into rates (tariff_id, prefix, rate) values (1, '370', 0.1), (2, '370', 0.2), (2, '3706', 0.25), (3, '', -0.01);
    insert into number_pools (id, name) values (1, 'Bad numbers');
    insert into numbers (pool_id, number) values (1, '37099%');
    insert into providers (id, name, host, tariff_id) values (3, 'Carrier A', '127.0.0.1', 1);
    insert into lcrs (id, name) values (1, 'Main');
    insert into lcr_providers (lcr_id, provider_id) values (1, 3);
    insert into users (id, username, type, balance, tariff_id) values (2, 'rita', 'reseller', 100, 2);
    insert into users (id, username, owner_id, balance, tariff_id, lcr_id) values (5, 'alice', 2, 10, 2, 1);
    insert into devices (id, user_id, endpoint, secret) values (7, 5, 'alice1', 's3cret');
    insert into dids (id, did, status, user_id, device_id, provider_id) values (9, '37088888*', 'active', 5, 7, 3)`);
  // Rows that bring their own ids leave the counters behind.
  for (const table of ['tariffs', 'number_pools', 'providers', 'lcrs', 'users', 'devices', 'dids']) await client.query(`select setval(pg_get_serial_sequence($1, 'id'), 100)`, [table]);
}
