/** What the store must know of a call that is up, from what the call itself knows. */
import type { Money } from '../rating/money.ts';
import type { RestoreRequest } from './call/admission.ts';
import { payersOf } from './call/money.ts';
import type { Announcing, Call, CallState, Talking } from './call/state.ts';
import type { Standing } from '../store/stand-in.ts';
import { encodeCall } from './memo.ts';

type Holding = Announcing | Talking | Extract<CallState, { phase: 'dialling' }>;

/** null: it holds nothing, or waits for the store's answer, which tells what it holds. */
export function restoreRequest(call: Call, live: Readonly<Record<string, string>>, state: CallState): RestoreRequest | null {
  if (state.phase === 'announcing') return restoring(call, heldBy(state), { live, memo: encodeCall(call) });
  if (state.phase !== 'dialling' && state.phase !== 'talking') return null;
  const { attempt } = state;
  const answered = state.phase === 'talking' ? { state: 'answered', answered: String(state.answered.wallMs), ...(state.prompt === 'played' ? { prompted: '1' } : {}) } : { state: attempt.rang === null ? 'dialling' : 'ringing' };
  return restoring(call, heldBy(state), { live: { ...live, attempt: String(attempt.number), ...answered }, memo: encodeCall(call, state.past) });
}

/** What each payer has on hold, and the way that has its place. */
interface Held {
  readonly granted: readonly Money[];
  readonly way: number;
}

function heldBy(state: Holding): Held {
  return { granted: state.granted, way: state.phase === 'announcing' ? state.way : state.attempt.way };
}

export function restoring(call: Call, held: Held, shown: Pick<RestoreRequest, 'live' | 'memo'>): RestoreRequest {
  return { ...holdingsOf(call, held), startedMs: call.arrived.wallMs, way: held.way, ...shown };
}

export function holdingsOf(call: Call, { granted, way }: Held): Standing {
  return {
    callId: call.id,
    counters: call.plan.counters,
    wayCounters: call.plan.ways[way]?.claims ?? [],
    holds: payersOf(call).map(({ userId }, index) => ({ userId, amount: granted[index] ?? 0n })),
  };
}

/** null: it holds nothing, or waits for the store's answer. */
export function standingOf(call: Call, state: CallState): Standing | null {
  return state.phase === 'announcing' || state.phase === 'dialling' || state.phase === 'talking' ? holdingsOf(call, heldBy(state)) : null;
}
