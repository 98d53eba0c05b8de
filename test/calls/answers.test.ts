/** What Asterisk answers for each cause, and what each answer of a far end becomes: the list of causes, measured. */
import t from 'tap';
import { connectAsterisk } from '../../engine/asterisk/connect.ts';
import { hangup } from '../../engine/asterisk/commands.ts';
import { HANGUP_CAUSES, hangupCause } from '../../routing/hangup-causes.ts';
import { requestUser } from '../lab/sip-message.ts';
import { call, startPeer } from '../lab/sipp.ts';
import { callerByAddress } from '../lab/static-endpoints.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { finalStatuses, messagesOf, reasonOf } from './trace.ts';

const METER = '127.0.4.1';
const ADA = '127.0.1.1';

/** What a far end may refuse with, what the CDR then says, and what the caller gets. */
const REFUSALS: readonly (readonly [status: number, disposition: string, cause: number, toCaller: number])[] = [
  [400, 'FAILED', 127, 500],
  [401, 'FAILED', 21, 403],
  [403, 'FAILED', 21, 403],
  [404, 'FAILED', 1, 404],
  [405, 'FAILED', 127, 500],
  [408, 'FAILED', 18, 408],
  [410, 'FAILED', 22, 410],
  [413, 'FAILED', 127, 500],
  [415, 'FAILED', 127, 500],
  [420, 'FAILED', 3, 404],
  [480, 'FAILED', 19, 480],
  [481, 'FAILED', 127, 500],
  [482, 'FAILED', 127, 500],
  [483, 'FAILED', 19, 480],
  [484, 'FAILED', 28, 484],
  [485, 'FAILED', 1, 404],
  [486, 'BUSY', 17, 486],
  [487, 'FAILED', 127, 500],
  [488, 'FAILED', 58, 488],
  [491, 'FAILED', 127, 500],
  [500, 'FAILED', 38, 500],
  [501, 'FAILED', 29, 403],
  [502, 'FAILED', 27, 502],
  [503, 'FAILED', 34, 503],
  [504, 'FAILED', 102, 503],
  [505, 'FAILED', 127, 500],
  [580, 'FAILED', 34, 503],
  [600, 'BUSY', 17, 486],
  [603, 'FAILED', 21, 403],
  [604, 'FAILED', 1, 404],
  [606, 'FAILED', 58, 488],
];

/** A far end that refuses with the status that ends the number called. */
function refusingAsDialled(statuses: readonly number[]): string {
  const which = statuses.map((status) => `<ereg regexp="sip:[0-9]*${status}@" search_in="msg" assign_to="is${status}"/>`);
  const answers = statuses.map(
    (status) => `<send condexec="is${status}"><![CDATA[
      SIP/2.0 ${status} Refused
      [last_Via:]
      [last_From:]
      [last_To:];tag=[pid]peer[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      WWW-Authenticate: Digest realm="far end", nonce="1"
      Content-Length: 0

    ]]></send>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?><scenario name="refuses as dialled">
  <recv request="INVITE"><action>${which.join('')}</action></recv>
  ${answers.join('\n  ')}
  <recv request="ACK"></recv>
</scenario>`;
}

const far = await startPeer({ scenario: refusingAsDialled(REFUSALS.map(([status]) => status)), ip: '127.0.2.1' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [{ name: 'refusing', host: far.ip, port: far.port, tariff: 'buy' }],
  lcrs: [lcr('plain', 'refusing')],
  users: [{ username: 'ada', tariff: 'sell', lcr: 'plain', balance: '10' }],
  devices: [byAddress('ada', 'ada', ADA)],
};

const stage = await openStage({
  tenant,
  asterisk: {
    additions: {
      'pjsip.conf': callerByAddress({ name: 'meter', ip: METER, context: 'meter' }),
      'extensions.conf': '[meter]\nexten => _X!,1,Stasis(meter)\n same => n,Hangup()\n',
    },
  },
});

/** An application of its own that ends each call with the cause that was dialled. */
function startMeter(): Promise<{ close: () => Promise<void> }> {
  const { ariUrl: url, ariUser: username, ariPassword: password } = stage.asterisk;
  const limits = { requestTimeoutMs: 5000, reconnectMinMs: 100, reconnectMaxMs: 1000 };
  return new Promise((resolve) => {
    const link = connectAsterisk({
      url, username, password, ...limits, app: 'meter', transport: 'websocket', log: { info: () => undefined, warn: () => undefined },
      onEvent: (event) => {
        if (event.type === 'stasisStart') link.request(hangup(event.channelId, Number(event.channel.extension))).catch((error: unknown) => t.fail(String(error)));
      },
      onConnected: () => resolve(link),
      onDisconnected: () => undefined,
    });
  });
}

t.test('every cause of the list is answered as the list says', async (t) => {
  const meter = await startMeter();
  const result = await call({ scenario: 'any-answer', target: stage.asterisk, ip: METER, to: '[call_number]', calls: 127, ratePerSecond: 50 });
  await meter.close();
  const measured = new Map<number, { status: number | undefined; reason: string | undefined }>();
  for (const invite of messagesOf(result).filter((message) => message.method === 'INVITE')) {
    const own = messagesOf(result).filter((message) => /call-id: *(\S+)/i.exec(message.text)?.[1] === /call-id: *(\S+)/i.exec(invite.text)?.[1]);
    measured.set(Number(requestUser(invite)), { status: finalStatuses({ messages: own })[0], reason: reasonOf(own) });
  }
  t.equal(measured.size, 127);
  const wrong = [...HANGUP_CAUSES.values()].filter((cause) => measured.get(cause.q850)?.status !== cause.sip);
  t.same(wrong.map((cause) => `${cause.code} by ${cause.q850}: ${cause.sip} in the list, ${measured.get(cause.q850)?.status} by Asterisk`), []);
  const unknown = hangupCause(99);
  t.equal(measured.get(unknown.q850)?.status, unknown.sip, 'and a cause that it does not know');
  t.match(measured.get(17)?.reason, /cause=17/);
});

t.test('what a far end refuses with reaches the CDR, and the caller as its cause says', async (t) => {
  t.jobs = 4;
  for (const [status, disposition, cause, toCaller] of REFUSALS) {
    t.test(`${status}: ${disposition}, cause ${cause}, ${toCaller} to the caller`, { buffered: true }, async (t) => {
      const result = await call({ scenario: 'any-answer', target: stage.asterisk, ip: ADA, from: '37069000001', to: `370600${status}` });
      const [row] = await stage.rowsOf(result);
      t.match(row, { disposition, hangup_cause: cause, sip_code: status, final: true });
      t.same(finalStatuses(result), [toCaller]);
    });
  }
});

t.test('nothing is left, and the books are right', async (t) => {
  t.same(await stage.leftovers(), NOTHING);
  t.same(stage.complaints(), []);
  await audit(t, stage);
});

t.teardown(async () => {
  await stage.close();
  await far.stop();
  await closeServers();
});
