/**
 * From an LCR to the ordered ways out: who is usable at all, in which order, and why the others are passed over.
 */
import { perMinute, withGrace } from '../../rating/rate.ts';
import type { Money } from '../../rating/money.ts';
import type { Catalog, Lcr, LcrProvider, Provider } from '../catalog.ts';
import type { Explain } from '../explain.ts';
import { providerCallerId, ruledCallerId, shownCallerId } from '../caller-id.ts';
import type { CallerId } from '../caller-id.ts';
import { hangupCause } from '../hangup-causes.ts';
import { rateBy } from '../levels.ts';
import { providerClaims } from '../limits.ts';
import { providerRefusal } from '../lists.ts';
import { applyRule, applySourceRule, matchRule } from '../localize.ts';
import { hasMinutes, minutesText, minutesUsedUp } from '../minutes.ts';
import type { TalkView } from '../minutes.ts';
import type { Random, RoutingSettings, Way } from '../plan.ts';
import { transformSource } from '../transform.ts';
import type { Candidate } from './order.ts';
import { byPercent } from './percent.ts';
import { byPrice, overPriceLimit, underMargin } from './price.ts';
import { byPriority } from './priority.ts';
import { byQuality, qualityText } from './quality.ts';
import type { QualityView } from './quality.ts';

export interface WaysRequest {
  readonly catalog: Catalog;
  readonly lcr: Lcr;
  readonly number: string;
  /** The caller's number, as his rules have it. */
  readonly src: string;
  readonly atMs: number;
  /** A provider dearer than this is a loss; null: losses are allowed. */
  readonly sellingPerMinute: Money | null;
  /** What the caller shows. */
  readonly callerId: CallerId;
  readonly settings: RoutingSettings;
  readonly random: Random;
  readonly quality: QualityView;
  readonly dead: ReadonlySet<number>;
  readonly talk: TalkView;
  readonly explain: Explain;
}

function skip(request: WaysRequest, name: string, cause: number, detail?: string): null {
  request.explain?.({ check: 'provider', outcome: 'skipped', detail: `${name}: ${detail ?? hangupCause(cause).sentence}`, cause });
  return null;
}

/** Asterisk dials no longer number. */
const MOST_DIALLED = 79;

function candidate(request: WaysRequest, place: LcrProvider, lossAllowed: boolean): Candidate | null {
  const provider = request.catalog.providers.get(place.providerId);
  if (provider === undefined) return skip(request, `provider ${place.providerId}`, 204, 'does not exist, or its row is broken');
  if (!provider.active || !place.active) return skip(request, provider.name, 204, 'not active');
  if (request.dead.has(provider.id)) return skip(request, provider.name, 247);
  const listed = providerRefusal(request.catalog, provider.destinationList, request.number);
  if (listed !== 0) return skip(request, provider.name, listed);
  const talk = request.talk.get(provider.id);
  if (minutesUsedUp(provider, talk)) return skip(request, provider.name, 285, `used up: ${minutesText(provider, talk)}`);
  const rate = rateBy(request.catalog, provider.tariffId, request.number, request.atMs);
  if (rate === 'noRate') return skip(request, provider.name, 204, 'has no rate for the destination');
  if (rate === 'blocked') return skip(request, provider.name, 331);
  const price = perMinute(rate);
  const margin = request.lcr.minimalRateMarginPercent;
  if (!lossAllowed && request.sellingPerMinute !== null && underMargin(price, request.sellingPerMinute, margin)) {
    return skip(request, provider.name, 224, margin > 0 && price <= request.sellingPerMinute ? `leaves a margin under ${margin} %` : undefined);
  }
  const dialled = numberFor(provider, request.number);
  if (dialled === '' || dialled.length > MOST_DIALLED) return skip(request, provider.name, 204, `its rules make a number of ${dialled.length} characters`);
  return { provider, place, rate, perMinute: price, dialled };
}

function ordered(request: WaysRequest, candidates: readonly Candidate[]): Candidate[] {
  switch (request.lcr.order) {
    case 'price':
      return byPrice(candidates);
    case 'priority':
      return byPriority(candidates);
    case 'percent':
      return byPercent(candidates, request.random);
    case 'quality':
      return byQuality(candidates, request.quality, request.settings.quality);
  }
}

/** The failover provider is tried last and even at a loss. */
function failover(request: WaysRequest): Candidate | null {
  const id = request.lcr.failoverProviderId;
  if (id === null) return null;
  return candidate(request, { providerId: id, priority: Number.MAX_SAFE_INTEGER, percent: 0, active: true }, true);
}

function asWay(request: WaysRequest, { provider, rate, dialled }: Candidate): Way {
  return {
    kind: 'provider',
    id: provider.id,
    name: provider.name,
    endpoint: provider.endpoint,
    number: dialled,
    host: null,
    rate: withGrace(rate, provider.graceS),
    claims: providerClaims(provider),
    ringTimeoutS: provider.ringTimeoutS,
    silenceMs: provider.silenceMs ?? request.settings.providerSilenceMs,
    noAnswerAsFailed: provider.interpretNoAnswerAsFailed,
    busyAsFailed: provider.interpretBusyAsFailed,
    goOnCodes: provider.goOnCodes,
    stopCodes: provider.stopCodes,
    ...callerIdFor(provider, request),
    callTimeoutS: provider.callTimeoutS,
  };
}

function numberFor(provider: Provider, number: string): string {
  const ruled = applyRule(matchRule(provider.rules, 'destination', number), number);
  return provider.destinationTransformation?.apply(ruled) ?? ruled;
}

/** A number that the operator gave the provider is in its form already. */
function callerIdFor(provider: Provider, request: WaysRequest): CallerId {
  const { callerId, src } = request;
  const own = providerCallerId(request, provider);
  const shown = shownCallerId(own, callerId);
  if (own.callerIdNumber !== '') return shown;
  const before = shown.callerIdNumber || src;
  const ruled = applySourceRule(matchRule(provider.rules, 'source', before), before);
  return ruledCallerId(shown, before, transformSource(provider.sourceTransformation, ruled));
}

function chosenText({ lcr, quality, settings, talk }: WaysRequest, { provider, rate }: Candidate): string {
  const how = lcr.order === 'quality' ? `quality (${qualityText(quality.get(provider.id), settings.quality)})` : lcr.order;
  return `${provider.name}: ${rate.prefix} by ${how}${hasMinutes(provider) ? `; ${minutesText(provider, talk.get(provider.id))}` : ''}`;
}

/** Empty when no provider is usable (204). */
export function waysOut(request: WaysRequest): Way[] {
  const { lcr } = request;
  const usable: Candidate[] = [];
  for (const place of lcr.providers) {
    if (place.providerId === lcr.failoverProviderId) continue;
    const one = candidate(request, place, lcr.allowLossCalls);
    if (one !== null) usable.push(one);
  }
  const [cheapest] = byPrice(usable);
  const inPrice = usable.filter((one) => {
    // The limit belongs to LCRs by price; in the operator's own order the price does not count.
    if (lcr.order !== 'price' || cheapest === undefined || !overPriceLimit(one, cheapest, lcr.pricePercentLimit)) return true;
    skip(request, one.provider.name, 235);
    return false;
  });
  const last = failover(request);
  const all = [...ordered(request, inPrice), ...(last === null ? [] : [last])];
  const tried = lcr.noFailover ? all.slice(0, 1) : all;
  for (const one of tried) request.explain?.({ check: 'provider', outcome: 'chosen', detail: chosenText(request, one) });
  for (const one of all.slice(tried.length)) skip(request, one.provider.name, 204, 'not tried, as this LCR has no failover');
  return tried.map((one) => asWay(request, one));
}
