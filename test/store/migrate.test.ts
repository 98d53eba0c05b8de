import { readFile } from 'node:fs/promises';
import t from 'tap';
import { missingMigrations, migrate } from '../../store/migrate.ts';
import { createDatabaseAt } from '../lab/postgres.ts';
import { dumpSchema } from './schema-dump.ts';
import { closeServers, connect, freshDatabase, postgresServer } from './servers.ts';

t.teardown(closeServers);

t.test('a new database gets every migration, a second run none', async (t) => {
  const url = await createDatabaseAt(await postgresServer(), `migrate_${process.pid}`);
  const client = await connect(url);
  t.equal(await missingMigrations(client), null, 'never migrated');
  const first = await migrate(url, { nowMs: Date.UTC(2026, 10, 30) });
  t.ok(first.applied.length === first.present && first.present > 0);
  t.equal(first.partitionsMade, 3);
  t.equal(await missingMigrations(client), 0);
  t.match(await migrate(url, { nowMs: Date.UTC(2026, 11, 1) }), { applied: [], partitionsMade: 1 }, 'only the next month is new');
});

t.test('two migrators at once do the work once', async (t) => {
  const url = await createDatabaseAt(await postgresServer(), `migrate_twice_${process.pid}`);
  const results = await Promise.all([migrate(url), migrate(url), migrate(url)]);
  t.equal(results.filter((result) => result.applied.length > 0).length, 1);
});

t.test('an applied migration that changed, or one from the future, is an error', async (t) => {
  const url = await freshDatabase();
  const client = await connect(url);
  await client.query(`update migrations set checksum = 'x' where name like '0002%'`);
  await t.rejects(migrate(url), /0002_\S+ was changed after it had been applied/);
  await client.query(`delete from migrations`);
  await client.query(`insert into migrations (name, checksum) values ('9999_later.sql', 'x')`);
  await t.rejects(migrate(url), /9999_later\.sql, which this version does not know/);
});

t.test('store/schema.sql is what the migrations make', async (t) => {
  const made = await dumpSchema(await freshDatabase());
  const golden = await readFile(new URL('../../store/schema.sql', import.meta.url), 'utf8');
  t.equal(made, golden, 'after a new migration: node --import=tsx test/store/schema-dump.ts');
});
