/** What is at this moment, read from the same reports as `/health` when somebody looks. */
import type { Counter, Gauge, Registry } from 'prom-client';
import type { StoreHealth } from '../../store/store.ts';
import { addCounter, addGauge } from './add.ts';

export interface Report {
  readonly ready: boolean;
  readonly draining: boolean;
  readonly store: StoreHealth;
  readonly engine: { readonly servers: readonly ServerReport[]; readonly unsaved: number };
  /** Of the calls that this daemon leads: how many in each state, and their holds of money. */
  readonly figures: readonly { readonly serverId: number; readonly calls: Readonly<Record<string, number>>; readonly reservations: number }[];
  /** Mails and requests of warnings; null: there are none. */
  readonly warnings: { readonly queued: number; readonly failed: number; readonly unknown: number } | null;
}

interface ServerReport {
  readonly id: number;
  readonly leads: boolean;
  readonly connected: boolean;
  readonly provisioned: boolean;
  readonly deadProviders: readonly number[];
  readonly overload: { readonly shedding: boolean; readonly shed: number; readonly shedByAsterisk: number };
}

type Read = (report: Report) => number | boolean | null;

/** A name, what it means, and how it is read; null: it is not known, and not told. */
const SINGLE: readonly (readonly [string, string, Read])[] = [
  ['tollgate_ready', 'Calls can be served, or others serve them and this daemon stands by.', ({ ready }) => ready],
  ['tollgate_draining', 'It is going down.', ({ draining }) => draining],
  ['tollgate_postgres_up', 'Users, tariffs and balances can be read.', ({ store }) => store.postgres.ok],
  ['tollgate_redis_up', 'Redis is connected and can be used.', ({ store }) => store.redis.ok],
  ['tollgate_settling_up', 'Finished calls reach Postgres.', ({ store }) => store.settling.ok],
  ['tollgate_catalog_version', 'Counts the changes of users, devices, tariffs and the like since the start.', ({ store }) => store.catalogVersion],
  ['tollgate_cdr_backlog', 'Finished calls in Redis that wait for Postgres, when the last batch went through.', ({ store }) => store.backlog],
  ['tollgate_cdr_refused', 'Finished calls that Postgres refuses.', ({ store }) => store.refused],
  ['tollgate_cdr_unsaved', 'Finished calls that are only in the memory of this daemon.', ({ engine }) => engine.unsaved],
  ['tollgate_warnings_queued', 'Mails and requests of warnings that wait.', ({ warnings }) => warnings?.queued ?? null],
  ['tollgate_warnings_failed', 'Mails and requests of warnings that were given up within the last day.', ({ warnings }) => warnings?.failed ?? null],
  ['tollgate_warnings_unknown', 'Mails of the last day of which nobody knows whether they arrived.', ({ warnings }) => warnings?.unknown ?? null],
];

const BY_SERVER: readonly (readonly [string, string, (server: ServerReport) => number | boolean])[] = [
  ['tollgate_asterisk_leads', 'This daemon leads the Asterisk.', ({ leads }) => leads],
  ['tollgate_asterisk_attached', 'It leads it, and is attached to it.', ({ connected }) => connected],
  ['tollgate_asterisk_provisioned', 'Asterisk has been given all devices and providers.', ({ provisioned }) => provisioned],
  ['tollgate_providers_dead', 'Providers that do not answer the periodic check.', ({ deadProviders }) => deadProviders.length],
  ['tollgate_shedding', 'Calls are refused as there are too many, or were within the last seconds.', ({ overload }) => overload.shedding],
];

const TOTALS: readonly (readonly [string, string, Read])[] = [
  ['tollgate_postgres_connections_total', 'Connections to Postgres; a further one follows each loss.', ({ store }) => store.postgres.connections],
  ['tollgate_redis_connections_total', 'Connections to Redis; a further one follows each loss.', ({ store }) => store.redis.connections],
  ['tollgate_sums_repaired_total', 'Counters and holds that were wrong and were put right.', ({ store }) => store.repaired],
];

export function addGauges(registry: Registry, report: () => Report): void {
  // One look at everything for all of them.
  let seen: Report | null = null;
  const look = (): Report => {
    if (seen === null) {
      seen = report();
      queueMicrotask(() => (seen = null));
    }
    return seen;
  };
  for (const [name, help, read] of SINGLE) addGauge(registry, { name, help, collect: set((gauge) => put(gauge, {}, read(look()))) });
  for (const [name, help, read] of BY_SERVER) {
    addGauge(registry, { name, help, labelNames: ['server'], collect: set((gauge) => look().engine.servers.forEach((server) => put(gauge, { server: server.id }, read(server)))) });
  }
  for (const [name, help, read] of TOTALS) addCounter(registry, { name, help, collect: total((counter) => counter.inc(Number(read(look())))) });
  addShed(registry, look);
  addFigures(registry, look);
}

function addShed(registry: Registry, look: () => Report): void {
  addCounter(registry, {
    name: 'tollgate_calls_shed_total', help: 'Calls that were refused as there were too many, by the engine or by Asterisk itself.', labelNames: ['server', 'by'],
    collect: total((counter) => {
      for (const { id: server, overload } of look().engine.servers) {
        counter.inc({ server, by: 'engine' }, overload.shed - overload.shedByAsterisk);
        counter.inc({ server, by: 'asterisk' }, overload.shedByAsterisk);
      }
    }),
  });
}

function addFigures(registry: Registry, look: () => Report): void {
  addGauge(registry, {
    name: 'tollgate_calls_active', help: 'Calls that are up and led by this daemon.', labelNames: ['server', 'state'],
    collect: set((gauge) => {
      for (const { serverId: server, calls } of look().figures) for (const [state, count] of Object.entries(calls)) gauge.set({ server, state }, count);
    }),
  });
  addGauge(registry, {
    name: 'tollgate_reservations', help: 'Holds of money for calls that are up: one of each payer of each call.', labelNames: ['server'],
    collect: set((gauge) => look().figures.forEach(({ serverId: server, reservations }) => gauge.set({ server }, reservations))),
  });
}

/** What is not told any more goes. */
function set(fill: (gauge: Gauge) => void): (this: Gauge) => void {
  return function collect(this: Gauge) {
    this.reset();
    fill(this);
  };
}

function total(fill: (counter: Counter) => void): (this: Counter) => void {
  return function collect(this: Counter) {
    this.reset();
    fill(this);
  };
}

function put(gauge: Gauge, labels: Record<string, string | number>, value: number | boolean | null): void {
  if (value === null) gauge.remove(labels);
  else gauge.set(labels, Number(value));
}
