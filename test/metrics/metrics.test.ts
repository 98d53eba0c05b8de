/** Figures of a real daemon after real calls, held against what happened, by Prometheus' own checker too; alert rules and the dashboard. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parse } from 'yaml';
import { byAddress, waysByNumber } from '../calls/tenant.ts';
import { openFaultStage } from '../faults/stage.ts';
import { findPromtool } from '../lab/promtool.ts';
import { runCommand } from '../lab/run-command.ts';
import { call, startCaller, startPeer } from '../lab/sipp.ts';
import type { SippResult } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';

const ADA = '127.0.1.45';
const promtool = await findPromtool();
const answering = await startPeer({ scenario: 'peer-answer', values: { ringMs: 300 }, ip: '127.0.2.45' });
const refusing = await startPeer({ scenario: 'peer-refuse', values: { status: 503 }, ip: '127.0.2.46' });

const stage = await openFaultStage({
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.6' }] },
  ],
  providers: [
    { name: 'answering', host: answering.ip, port: answering.port, tariff: 'buy' },
    { name: 'refusing', host: refusing.ip, port: refusing.port, tariff: 'buy' },
  ],
  ...waysByNumber({ 3706001: ['answering'], 3706002: ['refusing', 'answering'], 3706003: ['refusing'] }),
  users: [{ username: 'ada', tariff: 'sell', balance: '100' }],
  devices: [byAddress('ada', 'ada', ADA, { location: 'by number' })],
}, {});

t.teardown(async () => {
  await stage.close();
  await Promise.all([answering.stop(), refusing.stop()]);
  await closeServers();
});

async function text(): Promise<string> {
  const answer = await fetch(`${stage.engine.healthUrl}/metrics`);
  t.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  return answer.text();
}

/** Values by name and labels, as they stand in the text. */
async function figures(): Promise<ReadonlyMap<string, number>> {
  const lines = (await text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

function byName([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a < b ? -1 : 1;
}

/** Counts by all labels but the server's. */
function counted(now: ReadonlyMap<string, number>, name: string): Record<string, number> {
  const found = [...now].filter(([key]) => key.startsWith(`${name}{`));
  return Object.fromEntries(found.map(([key, value]) => [[...key.matchAll(/="([^"]*)"/g)].slice(1).map(([, label]) => label).join(' '), value] as const).sort(byName));
}

async function rowsBy(columns: string, where: string): Promise<Record<string, number>> {
  const { rows } = await stage.db.query<{ labels: string; count: number }>(`select concat_ws(' ', ${columns}) as labels, count(*)::int as count from calls where ${where} group by 1`);
  return Object.fromEntries(rows.map(({ labels, count }) => [labels, count] as const).sort(byName));
}

function dial(to: string): Promise<SippResult> {
  return call({ scenario: 'any-answer', target: stage.asterisk, ip: ADA, from: '37069000001', to });
}

const ANSWERED = 'tollgate_calls_ended_total{server="1",direction="outbound",disposition="ANSWERED",cause="16"}';

t.test('a call that is up, with its hold of money', async (t) => {
  const caller = await startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip: ADA, from: '37069000001', to: '37060010001' });
  await stage.known('37060010001', 'state', 'answered');
  const now = await figures();
  t.equal(now.get('tollgate_calls_active{server="1",state="answered"}'), 1);
  t.equal(now.get('tollgate_calls_active{server="1",state="ringing"}'), 0);
  t.equal(now.get('tollgate_reservations{server="1"}'), 1);
  t.equal(now.get('tollgate_calls_arrived_total{server="1"}'), 1);
  t.equal(now.get(ANSWERED), undefined);
  await stage.asterisk.cli('channel request hangup all');
  await stage.rowsOf(await caller.done);
});

t.test('calls that ended: by cause and disposition, attempts, histograms', async (t) => {
  for (const to of ['37060010002', '37060020001', '37060030001', '4930123456']) await stage.rowsOf(await dial(to));
  const now = await figures();
  t.equal(now.get('tollgate_calls_arrived_total{server="1"}'), 5);
  t.equal(now.get(ANSWERED), 3);
  t.same(counted(now, 'tollgate_calls_ended_total'), await rowsBy('direction, disposition, hangup_cause', 'final'));
  t.same(counted(now, 'tollgate_attempts_ended_total'), await rowsBy('disposition, hangup_cause', 'true'), 'a failed attempt before another one too');
  t.equal(now.get('tollgate_calls_active{server="1",state="answered"}'), 0);
  t.equal(now.get('tollgate_reservations{server="1"}'), 0);
  t.equal(now.get('tollgate_pdd_seconds_count'), 3);
  t.equal(now.get('tollgate_talk_seconds_count'), 3);
  t.equal(now.get('tollgate_setup_seconds_count'), 3);
  t.ok((now.get('tollgate_setup_seconds_sum') ?? 0) >= 0.9, 'each rang 300 ms');
  t.equal(now.get('tollgate_decision_seconds_count'), 5);
  t.equal(now.get('tollgate_admission_seconds_count'), 4, 'one was refused before');
  t.ok((now.get('tollgate_event_loop_delay_seconds{percentile="99"}') ?? -1) >= 0);
  t.equal(now.get('tollgate_ready'), 1);
});

t.test('other programs were told of each change, and of each end', async (t) => {
  const entries = await stage.redis.xrange('tollgate:events', '-', '+');
  const told = entries.map(([, fields]) => Object.fromEntries(fields.flatMap((field, index) => (index % 2 === 0 ? [[field, fields[index + 1] ?? '']] : []))) as Record<string, string>);
  const of = (to: string): readonly Record<string, string>[] => {
    const callId = told.find((entry) => entry['to'] === to)?.['call'];
    return told.filter((entry) => entry['call'] === callId);
  };
  const { rows } = await stage.db.query<{ id: number; name: string }>('select id, name from providers');
  const id = (name: string): string => String(rows.find((row) => row.name === name)?.id);
  const over = { event: 'over', disposition: 'ANSWERED', cause: '16', server: '1', providerId: id('answering'), price: /^0\.\d+$/, billsec: /^[1-9]/, answered: /^\d{13}$/ };
  const talked = of('37060010001');
  t.match(talked[0], { event: 'admitted', state: 'dialling', user: 'ada', from: '37069000001', providerId: id('answering') });
  t.ok(talked.some(({ event }) => event === 'answered'));
  t.match(talked.at(-1), over);
  t.match(of('37060020001').slice(0, 2), [{ event: 'admitted', providerId: id('refusing') }, { event: 'failover', attempt: '2', providerId: id('answering') }]);
  t.match(of('37060020001').at(-1), { ...over, attempts: '2' });
  t.match(of('37060030001'), [{ event: 'admitted' }, { event: 'over', disposition: 'FAILED', billsec: '0', answered: '', providerId: id('refusing') }]);
  t.match(of('4930123456'), [{ event: 'refused', cause: '203', userId: /^\d+$/ }]);
});

t.test('labels are bounded: no number, name or id of anybody', async (t) => {
  const labels = new Set([...(await text()).matchAll(/(\w+)="([^"]*)"/g)].map(([, name]) => name));
  t.same([...labels].toSorted((a = '', b = '') => (a < b ? -1 : 1)), ['by', 'cause', 'direction', 'disposition', 'le', 'percentile', 'server', 'state', 'version']);
  t.notMatch(await text(), /3706|4930|ada|answering\b/);
});

t.test('Redis that is lost and back counts; what is not known is not told', async (t) => {
  const before = (await figures()).get('tollgate_redis_connections_total') ?? 0;
  await stage.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await until(async () => (((await figures()).get('tollgate_redis_connections_total') ?? 0) > before ? undefined : 'not connected again yet'));
  t.equal((await figures()).get('tollgate_asterisk_attachments_total{server="1"}'), 1);
});

t.test('promtool finds nothing wrong', { skip: promtool === null ? 'promtool is not here, and cannot be fetched' : false }, async (t) => {
  await runCommand(promtool ?? '', ['check', 'metrics'], { input: await text() });
  await runCommand(promtool ?? '', ['check', 'rules', '--lint=all', '--lint-fatal', file('deploy/prometheus/alerts.yaml')]);
  await runCommand(promtool ?? '', ['test', 'rules', file('test/metrics/alerts.yaml')]);
  await t.rejects(runCommand(promtool ?? '', ['check', 'metrics'], { input: '# HELP wrong_total x\n# TYPE wrong_total gauge\nwrong_total 1\n' }), 'it would find it');
});

t.test('alerts and dashboard name metrics that are there, and pages that are there', async (t) => {
  const told = await text();
  const names = new Set([...told.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) => (type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name])));
  const rules = (parse(readFileSync(file('deploy/prometheus/alerts.yaml'), 'utf8')) as Rules).groups.flatMap((group) => group.rules);
  const records = new Set(rules.flatMap(({ record }) => record ?? []));
  const dashboard = readFileSync(file('deploy/grafana/tollgate.json'), 'utf8');
  const asked = [...rules.map(({ expr }) => expr), ...(JSON.parse(dashboard) as Dashboard).panels.flatMap((panel) => panel.targets.map(({ expr }) => expr))];
  t.ok(asked.length > 50);
  for (const expr of asked) {
    for (const [name] of expr.matchAll(/\b(?:tollgate|process)[_:][a-zA-Z0-9_:]+/g)) t.ok(names.has(name) || records.has(name), `${name} in ${expr}`);
  }
  const headings = new Set([...readFileSync(file('docs/OPERATIONS.md'), 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => `#${heading.toLowerCase().replaceAll(/[^a-z0-9 -]/g, '').replaceAll(' ', '-')}`));
  for (const { alert, annotations } of rules.filter((rule) => rule.alert !== undefined)) {
    t.match(annotations, { summary: /\.$/, do: /\.$/ }, `${alert} says what to do`);
    t.ok(headings.has(annotations?.page ?? ''), `${alert}: ${annotations?.page}`);
  }
  const page = readFileSync(file('docs/OPERATIONS.md'), 'utf8');
  for (const [, name = ''] of told.matchAll(/^# TYPE (tollgate_\S+) /gm)) t.ok(page.includes(name.replace('tollgate_', '')), `${name} is in the page`);
});

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert?: string; readonly record?: string; readonly expr: string; readonly annotations?: { readonly page: string } }[] }[];
}

interface Dashboard {
  readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
}

function file(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}
