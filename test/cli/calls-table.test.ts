/** The table of live calls fits whatever terminal, and shows what is asked for. */
import { ok, strictEqual } from 'node:assert';
import { test } from 'tap';
import { chosen, countedBy } from '../../cli/calls/choose.ts';
import { CallRows, rowForPrograms } from '../../cli/calls/row.ts';
import type { CallRow } from '../../cli/calls/row.ts';
import { callsTable, countsTable } from '../../cli/calls/table.ts';
import { encodeCall } from '../../engine/memo.ts';
import type { LiveCall } from '../../store/redis/live.ts';
import { ARRIVED, call, deviceWay } from '../call/call-builder.ts';

function row(parts: Partial<CallRow> = {}): CallRow {
  return {
    callId: '1-1795510436.13', startedMs: 0, sinceMs: 3_725_000, state: 'answered', user: 'anna', from: '37052000001', to: '37061234567', did: '', provider: 'baltic-telecom', device: '',
    price: 12_345_000_000n, server: '1', fields: {}, ...parts,
  };
}

const plain = (columns: number, rows = 40): { columns: number; rows: number; colours: boolean } => ({ columns, rows, colours: false });

function live(parts: Partial<LiveCall> = {}): LiveCall {
  return { callId: '1-1', startedMs: ARRIVED.wallMs, way: 0, memo: encodeCall(call()), fields: { state: 'answered', user: 'anna', answered: String(ARRIVED.wallMs + 10_000) }, held: new Map(), counters: ['tollgate:calls:provider:11'], ...parts };
}

test('at 160 columns all of a call is shown, at 80 what matters most', async () => {
  strictEqual(callsTable([row({ did: '4401' })], 1, plain(160)), [
    'since     state     user  from         to           DID   provider         price  server  call',
    '01:02:05  answered  anna  37052000001  37061234567  4401  baltic-telecom  1.2345       1  1-1795510436.13',
    '1 call: 1 answered',
  ].join('\n'));
  strictEqual(callsTable([row()], 1, plain(80)), [
    'since     state     user  from         to           provider       price  server',
    '01:02:05  answered  anna  37052000001  37061234567  baltic-tele…  1.2345       1',
    '1 call: 1 answered',
  ].join('\n'));
});

test('no line is wider than the terminal, and no more lines than it has', async () => {
  const rows = Array.from({ length: 500 }, (_, index) => row({ user: `user-with-a-long-name-${index}`, did: '37088888888', from: 'anonymous.caller.of.long.name', state: index % 2 === 0 ? 'ringing' : 'answered' }));
  for (const columns of [66, 80, 100, 120, 160, 300]) {
    const lines = callsTable(rows, 510, plain(columns, 24)).split('\n');
    ok(lines.every((line) => line.length <= columns), `${columns}: ${lines.find((line) => line.length > columns)}`);
    strictEqual(lines.length, 23);
    strictEqual(lines.at(-1), '500 of 510 calls: 250 answered, 250 ringing (479 not shown)');
  }
});

test('names from outside do not steer the terminal', async () => {
  const table = callsTable([row({ from: '\u001B[2J\u001B]0;x\u0007', user: 'a\nb\u202E' })], 1, plain(200));
  ok(!['\u001B', '\u0007', '\u202E'].some((steering) => table.includes(steering)));
  strictEqual(table.split('\n').length, 3);
});

test('calls are chosen by all that is named, and counted', async () => {
  const rows = [row(), row({ user: 'ben', provider: '', device: 'desk', did: '4401' }), row({ state: 'ringing', server: '2', price: null })];
  strictEqual(chosen(rows, { user: 'anna' }).length, 2);
  strictEqual(chosen(rows, { user: 'anna', state: 'ringing' }).length, 1);
  strictEqual(chosen(rows, { server: '1', did: '4401' }).length, 1);
  strictEqual(chosen(rows, { provider: 'desk' }).length, 0);
  strictEqual(countsTable(countedBy(rows, 'user'), 'user', plain(80)), [
    'user  calls  dialling  ringing  answered   price',
    'anna      2         0        1         1  1.2345',
    'ben       1         0        0         1  1.2345',
    '3 calls',
  ].join('\n'));
  strictEqual(countedBy(rows, 'provider').map(({ name, calls }) => `${name}:${calls}`).join(' '), 'baltic-telecom:2 :1');
});

test('the provider has its name, the price is that of this moment; of a call of another version only what Redis shows', async () => {
  const nowMs = ARRIVED.wallMs + 70_000;
  const [one, device, strange, broken] = new CallRows().of([live(), live({ callId: '1-2', memo: encodeCall(call({ ways: [deviceWay()] })) }), live({ callId: '1-3', memo: null }), live({ callId: '1-4', memo: Buffer.from('no memo') })], nowMs);
  strictEqual(`${one?.provider} ${one?.price} ${one?.sinceMs}`, 'provider 1 6000000000 70000');
  strictEqual(`${device?.provider}|${device?.device}`, '|desk');
  for (const unknown of [strange, broken]) strictEqual(`${unknown?.provider} ${unknown?.price}`, 'provider-11 null');
  ok(JSON.stringify(rowForPrograms(one as CallRow)).includes('"seconds":70,"provider":"provider 1","device":"","price":"0.6"'));
});
