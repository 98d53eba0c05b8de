/**
 * Whole decisions of routing: identify, lists, localize, price every level and every way out, for catalogs with few and
 * with many DIDs, and with 10 and 100 providers in an LCR.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { route } from '../../routing/route.ts';
import type { Arrival, Decision } from '../../routing/plan.ts';
import { catalogOf, device, did, location, lcr, provider, rule, SETTINGS, user, NOW_MS } from '../../test/routing/catalog-builder.ts';
import type { Parts } from '../../test/routing/catalog-builder.ts';
import { timeInTurn } from '../rating/measure.ts';
import type { Effort, Timing, Work } from '../rating/measure.ts';

export interface DecisionFigures {
  readonly dids: readonly { readonly dids: number; readonly wildcards: number; readonly found: Timing; readonly bytesEach: number }[];
  readonly outbound: readonly { readonly providers: number; readonly decision: Timing }[];
}

/** One in twenty is a wildcard. */
const WILDCARD_EVERY = 20;
const DIALLED = 1024;

function didNumber(index: number): string {
  return `3705${String(index).padStart(7, '0')}`;
}

function manyDids(count: number): Parts['dids'] {
  return Array.from({ length: count }, (_, index) => did(100 + index, index % WILDCARD_EVERY === 0 ? `${didNumber(index)}*` : didNumber(index)));
}

/** Numbers spread over all of them; each twentieth goes to a wildcard. */
function dialledNumbers(count: number): string[] {
  return Array.from({ length: DIALLED }, (_, index) => {
    const at = Math.floor((index * count) / DIALLED);
    return at % WILDCARD_EVERY === 0 ? `${didNumber(at)}77` : didNumber(at);
  });
}

/** A decision that was not what is measured would be measured for nothing. */
function mustPlan(decision: Decision): void {
  if (decision.kind !== 'plan') throw new Error(`Refused with ${decision.cause}.`);
}

function deciding(parts: Parts, arrivals: readonly Arrival[]): Work {
  const context = { catalog: catalogOf(parts), settings: SETTINGS, random: Math.random, explain: null, quality: new Map(), dead: new Set<number>(), talk: new Map(), scores: null };
  for (const arrival of arrivals) mustPlan(route(context, arrival));
  return (count) => {
    let ways = 0;
    for (let done = 0; done < count; done += 1) {
      const decision = route(context, arrivals[done % arrivals.length] as Arrival);
      if (decision.kind === 'plan') ways += decision.ways.length;
    }
    if (ways < count) throw new Error('A call found no way.');
  };
}

function arrival(endpoint: string, dialled: string): Arrival {
  return { serverId: 1, port: 5060, ip: '', endpoint, dialled, callerNumber: '37050000001', atMs: NOW_MS };
}

function measureDids(sizes: readonly number[], effort: Effort): DecisionFigures['dids'] {
  const before = sizes.map((count) => {
    const used = heapUsed();
    const work = deciding({ dids: manyDids(count) ?? [] }, dialledNumbers(count).map((number) => arrival('provider-11', number)));
    return { count, work, bytesEach: (heapUsed() - used) / count };
  });
  const timings = timeInTurn(before.map(({ work }) => work), effort);
  return before.map(({ count, bytesEach }, index) => ({ dids: count, wildcards: Math.ceil(count / WILDCARD_EVERY), found: timings[index] as Timing, bytesEach }));
}

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

/** A user with lists, a location with rules, and so many providers that all have a rate. */
function outboundParts(providers: number): Parts {
  const ids = Array.from({ length: providers }, (_, index) => 11 + index);
  return {
    users: [user(5, { destinationList: { mode: 'blacklist', poolId: 1 }, sourceList: { mode: 'blacklist', poolId: 2 } })],
    devices: [device(41, 5, { endpoint: 'desk' })],
    locations: [location(1, rule('00', ''), rule('8', '370'), rule('86', '3706'))],
    pools: { 1: ['370900%', '37090000001'], 2: ['anonymous', '4466%'] },
    providers: ids.map((id, index) => provider(id, `0.${String(100 + ((index * 37) % providers)).padStart(4, '0')}`)),
    lcrs: [lcr(1, ids)],
  };
}

function measureOutbound(sizes: readonly number[], effort: Effort): DecisionFigures['outbound'] {
  const dialled = Array.from({ length: DIALLED }, (_, index) => arrival('desk', `86${String(1_000_000 + index * 977).slice(-7)}`));
  const timings = timeInTurn(sizes.map((providers) => deciding(outboundParts(providers), dialled)), effort);
  return sizes.map((providers, index) => ({ providers, decision: timings[index] as Timing }));
}

export function measureDecisions(quick: boolean, effort: Effort): DecisionFigures {
  return { dids: measureDids([10_000, quick ? 100_000 : 1_000_000], effort), outbound: measureOutbound([10, 100], effort) };
}
