/** What Asterisk tells of a channel, in the words of the call. */
import t from 'tap';
import type { AsteriskEvent } from '../../engine/asterisk/contract.ts';
import { inputOf } from '../../engine/inputs.ts';
import { ARRIVED, call } from '../call/call-builder.ts';

const one = call();
const LEG = 'leg-1';
const CALLER = one.originator.channelId;

function told(event: Exclude<AsteriskEvent, { type: 'playbackFinished' }>): unknown {
  return inputOf(one, event, ARRIVED);
}

t.test('a leg is dialled, rings and answers by its Dial events', async (t) => {
  const at = { at: ARRIVED.wallMs, channelId: LEG, codec: 'alaw' };
  t.same(told({ type: 'dial', ...at, status: '' }), { type: 'dialled', legId: LEG });
  for (const status of ['RINGING', 'PROGRESS']) t.same(told({ type: 'dial', ...at, status }), { type: 'rang', legId: LEG });
  t.same(told({ type: 'dial', ...at, status: 'ANSWER' }), { type: 'answered', legId: LEG, codec: 'alaw' });
  t.equal(told({ type: 'dial', ...at, status: 'CANCEL' }), null);
});

t.test('a leg that answers at once may come without Dial RINGING and ANSWER: its state tells', async (t) => {
  // Seen on Asterisk 22.10.1 once in some thousand calls whose far end sends 200 within a millisecond of the INVITE.
  const at = { at: ARRIVED.wallMs, channelId: LEG, codec: 'alaw' };
  t.same(told({ type: 'stateChange', ...at, state: 'Ringing' }), { type: 'rang', legId: LEG });
  t.same(told({ type: 'stateChange', ...at, state: 'Up' }), { type: 'answered', legId: LEG, codec: 'alaw' });
  for (const state of ['Down', 'Ring', 'Busy', '']) t.equal(told({ type: 'stateChange', ...at, state }), null);
});

t.test("the caller's own state is what the engine made of it", async (t) => {
  for (const state of ['Ring', 'Ringing', 'Up']) t.equal(told({ type: 'stateChange', at: ARRIVED.wallMs, channelId: CALLER, state, codec: '' }), null);
});

t.test('the end of a channel is the end of its side', async (t) => {
  const end = { type: 'destroyed', at: ARRIVED.wallMs, cause: 17, techCause: 486, state: 'Down' } as const;
  const gone = { moment: ARRIVED, cause: 17, techCause: 486, source: 'event' };
  t.same(told({ ...end, channelId: LEG }), { type: 'legGone', legId: LEG, gone });
  t.same(told({ ...end, channelId: CALLER }), { type: 'callerGone', gone });
});
