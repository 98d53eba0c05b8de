/**
 * From what was dialled, and by which number, to E.164 (MOR Localization, Device Rules). The device's own
 * transformations and rules come first, then its location's. Rules of the own location come before those of the global one, which serve only when none
 * of its own matches; this is asked for the destination and for the source apart.
 */
import { GLOBAL_LOCATION_ID } from './catalog.ts';
import type { Catalog, Device, LocationRule, NumberChange, NumberRule } from './catalog.ts';
import type { Explain } from './explain.ts';
import { transformSource } from './transform.ts';

export interface CallNumbers {
  readonly number: string;
  readonly src: string;
}

export interface Localized extends CallNumbers {
  /** The location's rules that matched; null: the number stands as it came. A combined rule stands in both. */
  readonly rule: LocationRule | null;
  readonly sourceRule: LocationRule | null;
}

function fits(change: NumberChange, text: string): boolean {
  return text.startsWith(change.cut) && text.length >= change.minLength && text.length <= change.maxLength;
}

/** A rule that cuts nothing serves every number, but no word such as `anonymous`: that must be named. */
function fitsSource(change: NumberChange, src: string): boolean {
  return fits(change, src) && (change.cut !== '' || /^\+?[0-9]/.test(src));
}

function changed(change: NumberChange, text: string): string {
  return change.add + text.slice(change.cut.length);
}

/** The longest cut wins; of equal ones the combined rule, then the longest cut of the source, then the rule that was there first. */
function isCloser(rule: NumberRule | LocationRule, than: NumberRule | LocationRule): boolean {
  if (rule.cut.length !== than.cut.length) return rule.cut.length > than.cut.length;
  const [source, other] = [sourceCut(rule), sourceCut(than)];
  return source === other ? rule.id < than.id : source > other;
}

/** Characters that a combined rule cuts from the source; -1: it asks for none. */
function sourceCut(rule: NumberRule | LocationRule): number {
  return 'source' in rule && rule.source !== null ? rule.source.cut.length : -1;
}

function closest<Rule extends NumberRule | LocationRule>(rules: readonly Rule[], matches: (rule: Rule) => boolean): Rule | null {
  let best: Rule | null = null;
  for (const rule of rules) if (matches(rule) && (best === null || isCloser(rule, best))) best = rule;
  return best;
}

/** The rule of a device or a provider that serves this number. */
export function matchRule(rules: readonly NumberRule[], applies: NumberRule['applies'], number: string): NumberRule | null {
  const fit = applies === 'source' ? fitsSource : fits;
  return closest(rules, (rule) => rule.applies === applies && fit(rule, number));
}

export function applyRule(rule: NumberRule | null, number: string): string {
  return rule === null ? number : changed(rule, number) + rule.suffix;
}

/** As `applyRule`; a caller of whom a rule leaves nothing is anonymous. */
export function applySourceRule(rule: NumberRule | null, src: string): string {
  return applyRule(rule, src) || 'anonymous';
}

/** A leading + that no rule has cut is not part of an E.164 number here. */
function withoutPlus(number: string): string {
  return number.startsWith('+') ? number.slice(1) : number;
}

/** A rule that sends to a device may cut all of the number: the device needs none. */
function ruledNumber(rule: LocationRule | null, number: string): string {
  const ruled = withoutPlus(rule === null ? number : changed(rule, number));
  return ruled === '' && rule !== null && rule.deviceId !== null ? withoutPlus(number) : ruled;
}

function ofLocations(catalog: Pick<Catalog, 'locations'>, locationId: number, matches: (rule: LocationRule) => boolean): LocationRule | null {
  const own = closest(catalog.locations.get(locationId)?.rules ?? [], matches);
  if (own !== null || locationId === GLOBAL_LOCATION_ID) return own;
  return closest(catalog.locations.get(GLOBAL_LOCATION_ID)?.rules ?? [], matches);
}

/** The numbers by the rules of a location alone: a device's after its own, and those of a provider's call. */
export function localize(catalog: Pick<Catalog, 'locations' | 'dids'>, locationId: number, { number, src }: CallNumbers, explain: Explain = null): Localized {
  const rule = ofLocations(catalog, locationId, (one) => one.applies !== 'source' && fits(one, number) && (one.source === null || fitsSource(one.source, src)));
  const combined = rule?.source ?? null;
  const sourceRule = combined === null ? ofLocations(catalog, locationId, (one) => one.applies === 'source' && fitsSource(one, src)) : rule;
  const change = combined ?? sourceRule;
  const did = catalog.dids.byId.get(rule?.didId ?? sourceRule?.didId ?? 0);
  const localized: Localized = {
    number: did?.did ?? ruledNumber(rule, number),
    src: change === null ? src : changed(change, src) || 'anonymous',
    rule,
    sourceRule,
  };
  explain?.({ check: 'localization', outcome: 'passed', detail: `${number} -> ${localized.number}${rule === null ? '' : ` by rule ${rule.name}`}` });
  if (sourceRule !== null) explain?.({ check: 'localization', outcome: 'passed', detail: `caller ${src} -> ${localized.src} by rule ${sourceRule.name}` });
  return localized;
}

/** What the rules switch to: the destination's rule before the source's. */
export function switchedTo(localized: Localized, what: 'tariffId' | 'lcrId' | 'deviceId'): number | null {
  return localized.rule?.[what] ?? localized.sourceRule?.[what] ?? null;
}

/** The device's transformations, its rules, then its location's. */
export function localizeCall(catalog: Pick<Catalog, 'locations' | 'dids'>, device: Device, sent: CallNumbers, explain: Explain = null): Localized {
  const number = device.destinationTransformation?.apply(sent.number) ?? sent.number;
  const src = transformSource(device.sourceTransformation, sent.src);
  if (device.destinationTransformation !== null) explain?.({ check: 'transformation', outcome: 'passed', detail: `${sent.number} -> ${number} by ${device.destinationTransformation.text}` });
  if (device.sourceTransformation !== null) explain?.({ check: 'transformation', outcome: 'passed', detail: `caller ${sent.src} -> ${src} by ${device.sourceTransformation.text}` });
  const [toRule, fromRule] = [matchRule(device.rules, 'destination', number), matchRule(device.rules, 'source', src)];
  const ruled = { number: applyRule(toRule, number), src: applySourceRule(fromRule, src) };
  if (toRule !== null) explain?.({ check: 'device rule', outcome: 'passed', detail: `${number} -> ${ruled.number} by rule ${toRule.name}` });
  if (fromRule !== null) explain?.({ check: 'device rule', outcome: 'passed', detail: `caller ${src} -> ${ruled.src} by rule ${fromRule.name}` });
  return localize(catalog, device.locationId, ruled, explain);
}
