/**
 * Localization: what was dialled becomes E.164 (MOR Localization). The rules of the device's own location
 * come first; the global location's rules serve only when none of its own matches. Among matching rules the
 * longest `cut` wins, then the lower id.
 */
import { GLOBAL_LOCATION_ID } from './catalog.ts';
import type { Location, NumberRule } from './catalog.ts';

export interface Localized {
  readonly number: string;
  /** The rule that matched; null: the number stands as dialled. */
  readonly rule: NumberRule | null;
}

export function matchRule(rules: readonly NumberRule[], applies: NumberRule['applies'], number: string): NumberRule | null {
  let best: NumberRule | null = null;
  for (const rule of rules) {
    if (rule.applies !== applies || !number.startsWith(rule.cut)) continue;
    if (number.length < rule.minLength || number.length > rule.maxLength) continue;
    if (best === null || rule.cut.length > best.cut.length || (rule.cut.length === best.cut.length && rule.id < best.id)) best = rule;
  }
  return best;
}

export function applyRule(rule: NumberRule | null, number: string): string {
  return rule === null ? number : rule.add + number.slice(rule.cut.length);
}

/** A leading + that no rule has cut is not part of an E.164 number here. */
function withoutPlus(number: string): string {
  return number.startsWith('+') ? number.slice(1) : number;
}

export function localize(
  locations: ReadonlyMap<number, Location>,
  locationId: number,
  applies: NumberRule['applies'],
  number: string,
): Localized {
  const own = matchRule(locations.get(locationId)?.rules ?? [], applies, number);
  const rule = own ?? (locationId === GLOBAL_LOCATION_ID ? null : matchRule(locations.get(GLOBAL_LOCATION_ID)?.rules ?? [], applies, number));
  return { number: withoutPlus(applyRule(rule, number)), rule };
}
