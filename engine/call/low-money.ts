/**
 * Money that runs low while people talk: whoever pays is told once, `promptS` seconds before the end. What other calls of
 * the same payer spend meanwhile shows when the store is asked, so it is asked just before; a top-up that came in time
 * then puts the prompt off.
 */
import { elapsedMs } from './cdr.ts';
import { moneyEnd } from './money.ts';
import type { MoneyEnd, Talk } from './money.ts';
import type { Call, CallAction, Moment, Step, Talking } from './state.ts';

/** The store could not be asked. */
const AGAIN_MS = 1000;

function endOf(call: Call, { granted, left }: Talking, talk: Talk): MoneyEnd | null {
  return moneyEnd(call, { held: granted, left }, talk);
}

function leftMs(end: MoneyEnd, { answered }: Talking, now: Moment): number {
  return end.atS * 1000 - elapsedMs(answered, now);
}

/** Set when the talk begins, and whenever what is known of the money has changed. */
export function promptTimer(call: Call, state: Talking, talk: Talk, now: Moment): CallAction[] {
  if (state.prompt !== 'due') return [];
  const end = endOf(call, state, talk);
  if (end === null) return [{ do: 'clearTimer', timer: 'prompt' }];
  return [{ do: 'setTimer', timer: 'prompt', afterMs: Math.max(0, leftMs(end, state, now) - call.settings.promptS * 1000) }];
}

/** Who called pays for the call and all above him do; a DID's owner is the one who was called. */
function channelOf(call: Call, state: Talking, { userId }: MoneyEnd): string {
  const { parties } = call.plan;
  return userId === parties.dstUserId && userId !== parties.userId ? state.attempt.legId : call.originator.channelId;
}

/** It is time, and the store has said the last word. */
export function playPrompt(call: Call, state: Talking, talk: Talk): Step {
  const end = endOf(call, state, talk);
  if (end === null) return { state, actions: [] };
  return {
    state: { ...state, prompt: 'played' },
    actions: [{ do: 'playPrompt', channelId: channelOf(call, state, end) }, { do: 'showLive', fields: { prompted: '1' } }],
  };
}

/** After the store was asked; `told` false: it did not answer. */
export function lookAtMoney(call: Call, state: Talking, { talk, told }: { readonly talk: Talk; readonly told: boolean }, now: Moment): Step {
  if (state.prompt === 'none') return { state, actions: [] };
  const end = told ? endOf(call, state, talk) : null;
  const low = end !== null && leftMs(end, state, now) <= call.settings.promptS * 1000;
  if (state.prompt === 'played') {
    const channels = [call.originator.channelId, state.attempt.legId];
    return { state, actions: told && !low ? channels.map((channelId) => ({ do: 'stopPrompt', channelId })) : [] };
  }
  if (low) return playPrompt(call, state, talk);
  const due: Talking = { ...state, prompt: 'due' };
  if (!told && state.prompt === 'asking') return { state: due, actions: [{ do: 'setTimer', timer: 'prompt', afterMs: AGAIN_MS }] };
  return { state: due, actions: promptTimer(call, due, talk, now) };
}
