/** A caller who is taken anew: nothing told of legs that another daemon dialled for him is told of his own. */
import { test } from 'tap';
import type { Channel } from '../../engine/asterisk/contract.ts';
import { arrivedAnew, arrivedCall } from '../../engine/arrive.ts';
import { startAttempt } from '../../engine/call/attempt.ts';
import type { ArrivedCall } from '../../engine/call/state.ts';
import { decodeCall, encodeCall } from '../../engine/memo.ts';
import { call } from '../call/call-builder.ts';

const CALLER: Channel = { id: '1796396355.23101', name: 'PJSIP/desk-58-1', endpoint: 'desk-58', state: 'Ring', callerNumber: '4930123', callerName: '', accountCode: '', extension: '37052000081', context: 'tollgate', application: 'tollgate', sipCallId: 'a@b', codec: '' };
const at = (ms: number): { monoMs: number; wallMs: number } => ({ monoMs: ms, wallMs: 1_796_396_355_697 + ms });

function legOf(arrived: ArrivedCall): string {
  const { state } = startAttempt({ ...call(), ...arrived }, { bridged: false, granted: [], left: [], past: [] }, 0, at(0));
  return state.phase === 'dialling' ? state.attempt.legId : 'none';
}

test('the leg of a caller who was taken anew is another one, of the same call', async (t) => {
  const first = arrivedCall(1, CALLER, [], at(0));
  const anew = arrivedAnew(1, CALLER, [], at(5103));
  t.equal(anew.id, first.id);
  t.equal(legOf(first), '1-1796396355.23101-1');
  t.equal(legOf(anew), '1-1796396355.23101-1796396360800-1');
  t.not(legOf(arrivedAnew(1, CALLER, [], at(5104))), legOf(anew));
  t.equal(legOf(decodeCall(encodeCall({ ...call(), ...anew })) ?? first), legOf(anew), 'whoever takes it over knows it by the same id');
});
