/** A live call as operators look at it: what Redis shows of it, its provider by name, and what it costs so far. */
import { priceSoFar } from '../../engine/call/price-so-far.ts';
import type { Call } from '../../engine/call/state.ts';
import { decodeCall } from '../../engine/memo.ts';
import { moneyText } from '../../rating/money.ts';
import type { Money } from '../../rating/money.ts';
import type { LiveCall } from '../../store/redis/live.ts';

export interface CallRow {
  readonly callId: string;
  readonly startedMs: number;
  readonly sinceMs: number;
  readonly state: string;
  readonly user: string;
  readonly from: string;
  readonly to: string;
  readonly did: string;
  /** '': it is with none. */
  readonly provider: string;
  /** The device, or the number outside, that it is with instead of a provider. */
  readonly device: string;
  /** What the user owes for it if it ends now, in his currency; null: not known. */
  readonly price: Money | null;
  readonly server: string;
  /** All that is shown of it in Redis. */
  readonly fields: Readonly<Record<string, string>>;
}

/** Calls do not change in what a takeover needs to know of them: each is decoded once. */
export class CallRows {
  #known = new Map<string, Call | null>();

  of(calls: readonly LiveCall[], nowMs: number): readonly CallRow[] {
    const known = new Map(calls.map((live) => [live.callId, this.#known.get(live.callId) ?? decoded(live.memo)]));
    this.#known = known;
    return calls.map((live) => rowOf(live, known.get(live.callId) ?? null, nowMs));
  }
}

/** null: an engine of another version wrote it. */
function decoded(memo: Uint8Array | null): Call | null {
  try {
    return memo === null ? null : decodeCall(memo);
  } catch {
    return null;
  }
}

const PROVIDER_COUNTER = /^tollgate:calls:provider:(\d+)$/;

/** Of a call about which nothing else is known: where it has its place. */
function providerOfPlace({ counters }: LiveCall): string {
  const id = counters.map((key) => PROVIDER_COUNTER.exec(key)?.[1]).find((found) => found !== undefined);
  return id === undefined ? '' : `provider-${id}`;
}

function rowOf(live: LiveCall, call: Call | null, nowMs: number): CallRow {
  const { callId, startedMs, fields } = live;
  const way = call?.plan.ways[live.way];
  const answeredMs = fields['answered'] === undefined ? null : Number(fields['answered']);
  return {
    callId, startedMs, sinceMs: Math.max(0, nowMs - startedMs), fields,
    state: fields['state'] ?? '', user: fields['user'] ?? '', from: fields['from'] ?? '', to: fields['to'] ?? '', did: fields['did'] ?? '', server: fields['server'] ?? '',
    provider: call === null ? providerOfPlace(live) : way?.kind === 'provider' ? way.name : '',
    device: way === undefined || way.kind === 'provider' ? '' : way.name,
    price: call === null ? null : priceSoFar(call, { way: live.way, answeredMs, nowMs }),
  };
}

/** For programs: flat, prices as decimal text. */
export function rowForPrograms({ callId, startedMs, sinceMs, provider, device, price, fields }: CallRow): object {
  return { callId, startedMs, ...fields, seconds: Math.floor(sinceMs / 1000), provider, device, price: price === null ? null : moneyText(price) };
}
