/**
 * LCRs by destination (Call routing per destination basis): an LCR may leave some destinations to another one, by a
 * prefix, by the destination's name or by its group. What is said of the destination's very prefix, or of a longer one,
 * comes first, then its group, then its name, then what it inherits from a shorter prefix; inside each the longest.
 */
import { dialled, digitsOf, findPrefix, tagOf, valueOf } from '../../rating/prefix-map.ts';
import type { Catalog, Lcr } from '../catalog.ts';
import type { Explain } from '../explain.ts';

export type DestinationRule =
  | { readonly by: 'prefix'; readonly prefix: string; readonly lcrId: number }
  | { readonly by: 'group'; readonly groupId: number; readonly lcrId: number }
  /** `%` stands for any characters, `_` for one; without regard to case. */
  | { readonly by: 'name'; readonly pattern: string; readonly lcrId: number };

export interface DestinationLcrs {
  readonly prefixes: ReadonlyMap<string, number>;
  /** Lengths that occur in `prefixes`, longest first. */
  readonly lengths: readonly number[];
  readonly groups: ReadonlyMap<number, number>;
  /** Those with the most characters of their own first. */
  readonly names: readonly { readonly pattern: string; readonly lcrId: number }[];
}

function ownCharacters(pattern: string): number {
  return pattern.replaceAll(/[%_]/g, '').length;
}

export function buildDestinationLcrs(rules: readonly DestinationRule[]): DestinationLcrs | null {
  if (rules.length === 0) return null;
  const prefixes = new Map<string, number>();
  const groups = new Map<number, number>();
  const names: { pattern: string; lcrId: number }[] = [];
  for (const rule of rules) {
    if (rule.by === 'prefix') prefixes.set(rule.prefix, rule.lcrId);
    else if (rule.by === 'group') groups.set(rule.groupId, rule.lcrId);
    else names.push({ pattern: rule.pattern.toLowerCase(), lcrId: rule.lcrId });
  }
  return { prefixes, lengths: [...new Set([...prefixes.keys()].map(({ length }) => length))].sort((a, b) => b - a), groups, names: names.sort((a, b) => ownCharacters(b.pattern) - ownCharacters(a.pattern)) };
}

/** Takes at most as many steps as both lengths multiplied. Case must be folded before. */
export function isLike(text: string, pattern: string): boolean {
  let [at, to] = [0, 0];
  // Where the last % stands, and what it has taken so far.
  let [any, taken] = [-1, 0];
  while (at < text.length) {
    if (pattern[to] === '%') {
      [any, taken] = [to, at];
      to += 1;
    } else if (pattern[to] === '_' || pattern[to] === text[at]) {
      at += 1;
      to += 1;
    } else if (any >= 0) {
      taken += 1;
      [at, to] = [taken, any + 1];
    } else {
      return false;
    }
  }
  while (pattern[to] === '%') to += 1;
  return to === pattern.length;
}

interface Found {
  readonly lcrId: number;
  readonly because: string;
}

/** Every rule that concerns the number, the one that serves it first. */
function concerning(catalog: Catalog, rules: DestinationLcrs, number: string): Found[] {
  const { prefixes } = catalog.destinationMap;
  const entry = findPrefix(prefixes, dialled(number));
  const length = rules.lengths.find((one) => rules.prefixes.has(number.slice(0, one)));
  const prefix = length === undefined ? undefined : number.slice(0, length);
  const byPrefix = prefix === undefined ? [] : [{ lcrId: rules.prefixes.get(prefix) ?? 0, because: `prefix ${prefix}` }];
  if (entry < 0) return byPrefix;
  const name = catalog.destinations.get(valueOf(prefixes, entry)) ?? '';
  const groupLcr = rules.groups.get(tagOf(prefixes, entry));
  const byGroup = groupLcr === undefined ? [] : [{ lcrId: groupLcr, because: `the group of ${name}` }];
  const folded = name.toLowerCase();
  const like = rules.names.find(({ pattern }) => isLike(folded, pattern));
  const byName = like === undefined ? [] : [{ lcrId: like.lcrId, because: `${name}, which is like ${like.pattern}` }];
  const isOwn = prefix !== undefined && prefix.length >= digitsOf(prefixes, entry);
  return isOwn ? [...byPrefix, ...byGroup, ...byName] : [...byGroup, ...byName, ...byPrefix];
}

/** The LCR that serves the number; undefined: a rule names one that is not there. Rules of the LCR that it is left to are not asked. */
export function lcrForDestination(catalog: Catalog, lcr: Lcr, number: string, explain: Explain): Lcr | undefined {
  const found = lcr.byDestination === null ? [] : concerning(catalog, lcr.byDestination, number);
  const [first, ...others] = found;
  if (first === undefined) return lcr;
  const serving = catalog.lcrs.get(first.lcrId);
  explain?.({ check: 'LCR by destination', outcome: 'chosen', detail: `${lcr.name} leaves ${first.because} to ${serving?.name ?? `LCR ${first.lcrId}`}` });
  for (const other of others) explain?.({ check: 'LCR by destination', outcome: 'skipped', detail: `${catalog.lcrs.get(other.lcrId)?.name ?? other.lcrId} for ${other.because}: a closer rule serves` });
  return serving;
}
