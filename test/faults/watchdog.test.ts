/** A single daemon that is alive but answers nothing is noticed from outside and replaced; its calls are led on. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { audit } from '../calls/auditor.ts';
import { byAddress, waysByNumber } from '../calls/tenant.ts';
import type { Tenant } from '../calls/tenant.ts';
import { startCaller, startPeer } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { NOTHING_LEFT, openFaultStage } from './stage.ts';

const ADA = '127.0.1.91';
const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.91' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [{ name: 'answering', host: far.ip, port: far.port, tariff: 'buy' }],
  ...waysByNumber({ 3706001: ['answering'] }),
  users: [{ username: 'ada', tariff: 'sell', balance: '10' }],
  devices: [byAddress('ada', 'ada', ADA, { location: 'by number' })],
};

const stage = await openFaultStage(tenant, { reservation: { sliceS: 30, extendBeforeS: 5 } }, { watchdogS: 4 });

/** The daemon itself; the lab knows its watcher. */
function daemon(): number {
  const [child] = readFileSync(`/proc/${stage.engine.pid}/task/${stage.engine.pid}/children`, 'utf8').trim().split(' ');
  return Number(child);
}

t.test('frozen in mid-call: replaced, and the call is led on to its end', async (t) => {
  const caller = await startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip: ADA, from: '37069000001', to: '37060010001' });
  await stage.known('37060010001', 'state', 'answered');
  const frozen = daemon();
  process.kill(frozen, 'SIGSTOP');
  const since = performance.now();
  await until(() => (daemon() > 0 && daemon() !== frozen ? undefined : 'it is not replaced'), { timeoutMs: 15_000 });
  const took = performance.now() - since;
  t.ok(took < 7000, `replaced ${Math.round(took)} ms later`);
  await until(() => (stage.engine.log().some(({ msg }) => /are taken over/.test(String(msg))) ? undefined : 'its call is not led on'), { timeoutMs: 60_000 });
  await stage.asterisk.cli('channel request hangup all');
  const result = await caller.done;
  t.equal(result.exitCode, 0, result.errors);
  t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED', end_source: 'event' }]);
  t.match(stage.complaints(), [{ msg: /answers nothing/, pid: frozen }], 'the log says so');
});

t.test('stopped in order, watcher and daemon end; nothing is left', async (t) => {
  t.same(await stage.remains(), NOTHING_LEFT);
  await audit(t, stage);
  const child = daemon();
  await stage.engine.stop();
  t.throws(() => process.kill(child, 0), { code: 'ESRCH' });
  t.ok(stage.engine.log().some(({ msg }) => msg === 'Stopped'), 'it handed over what it had');
});

t.teardown(async () => {
  await stage.close();
  await far.stop();
  await closeServers();
});
