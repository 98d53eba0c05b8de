/** Tariffs and pools are built in a thread: one that tells nothing for long is given up. */
import t from 'tap';
import type { Client } from 'pg';
import { BackgroundLoader } from '../../store/catalog/background-loader.ts';
import { until } from '../lab/wait.ts';
import { closeServers, connect, freshDatabase } from './servers.ts';
import { smallTenant } from './tenant.ts';

t.teardown(closeServers);

/** A thread of its own needs some of that to begin with. */
const SILENT_MS = 8000;
const META = { tariffId: 1, version: 1, currency: 'USD', exchangeRate: '1' };

async function held(client: Client): Promise<void> {
  await client.query('begin');
  await client.query('lock table rates in access exclusive mode');
}

t.test('Postgres says nothing: the thread is given up, and the next one brings what was wanted', async (t) => {
  const url = await freshDatabase();
  const client = await connect(url);
  await smallTenant(client);
  await held(client);
  let news = 0;
  const loader = new BackgroundLoader(url, () => (news += 1), SILENT_MS);
  t.teardown(() => loader.close());
  loader.open();
  loader.want([META]);
  await until(() => (news > 0 ? undefined : 'it is still waited for'), { timeoutMs: 20_000 });
  t.throws(() => loader.take(), { message: 'The thread that builds tariffs and pools tells nothing for 8 s.' });
  t.equal(loader.isAwaited('tariff 1'), true);
  await client.query('rollback');
  loader.close();
  loader.open();
  await until(() => (news > 1 ? undefined : 'nothing came'), { timeoutMs: 20_000 });
  t.match(loader.take(), [{ tariffId: 1 }]);
});
