/** What the store must know of a call that is up, from what the call itself knows. */
import type { RestoreRequest } from './call/admission.ts';
import { payersOf } from './call/money.ts';
import type { Announcing, Call, CallState, Talking } from './call/state.ts';
import type { Standing } from '../store/stand-in.ts';
import { encodeCall } from './memo.ts';

/** null: it holds nothing, or waits for the store's answer, which tells what it holds. */
export function restoreRequest(call: Call, live: Readonly<Record<string, string>>, state: CallState): RestoreRequest | null {
  if (state.phase === 'announcing') return { ...holdings(call, state), startedMs: call.arrived.wallMs, way: state.way, live, memo: encodeCall(call) };
  if (state.phase !== 'dialling' && state.phase !== 'talking') return null;
  const { attempt } = state;
  const answered = state.phase === 'talking' ? { state: 'answered', answered: String(state.answered.wallMs), ...(state.prompt === 'played' ? { prompted: '1' } : {}) } : { state: attempt.rang === null ? 'dialling' : 'ringing' };
  return {
    ...holdings(call, state),
    startedMs: call.arrived.wallMs,
    way: attempt.way,
    live: { ...live, attempt: String(attempt.number), ...answered },
    memo: encodeCall(call, state.past),
  };
}

type Holding = Announcing | Talking | Extract<CallState, { phase: 'dialling' }>;

function holdings(call: Call, state: Holding): Standing {
  const { granted } = state;
  const way = state.phase === 'announcing' ? state.way : state.attempt.way;
  return {
    callId: call.id,
    counters: call.plan.counters,
    wayCounters: call.plan.ways[way]?.claims ?? [],
    holds: payersOf(call).map(({ userId }, index) => ({ userId, amount: granted[index] ?? 0n })),
  };
}

/** null: it holds nothing, or waits for the store's answer. */
export function standingOf(call: Call, state: CallState): Standing | null {
  return state.phase === 'announcing' || state.phase === 'dialling' || state.phase === 'talking' ? holdings(call, state) : null;
}
