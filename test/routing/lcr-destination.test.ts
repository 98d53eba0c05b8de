/** LCRs by destination: which rule serves a number, and what comes first where several do. */
import * as fc from 'fast-check';
import { test } from 'tap';
import { holds } from '../rating/holds.ts';
import { buildDestinationLcrs, isLike, lcrForDestination } from '../../routing/lcr/destination.ts';
import type { DestinationRule } from '../../routing/lcr/destination.ts';
import { catalogOf, given, lcr, provider, tariff } from './catalog-builder.ts';
import type { Given, Parts } from './catalog-builder.ts';

const MOBILE = 2;
const DESTINATIONS: NonNullable<Parts['destinations']> = [
  { id: 1, prefix: '370', name: 'Lithuania' },
  { id: 2, prefix: '3706', name: 'Lithuania mobile', groupId: MOBILE },
  { id: 3, prefix: '370645', name: 'Lithuania Tele2', groupId: MOBILE },
  { id: 4, prefix: '44', name: 'United Kingdom', groupId: 3 },
];

const byPrefix = (prefix: string, lcrId: number): DestinationRule => ({ by: 'prefix', prefix, lcrId });
const byGroup = (groupId: number, lcrId: number): DestinationRule => ({ by: 'group', groupId, lcrId });
const byName = (pattern: string, lcrId: number): DestinationRule => ({ by: 'name', pattern, lcrId });

/** LCR N goes by provider 10 + N; the user's is LCR 1. */
function world(rules: readonly DestinationRule[]): Given {
  const ids = [1, 2, 3, 4, 5];
  return {
    destinations: DESTINATIONS,
    tariffs: [tariff(1, { 370: '0.6', 44: '0.6', 999: '0.6' })],
    providers: ids.map((id) => provider(10 + id, { 370: '0.1', 44: '0.1', 999: '0.1' })),
    lcrs: ids.map((id) => lcr(id, [10 + id], id === 1 ? { byDestination: buildDestinationLcrs(rules) } : { byDestination: buildDestinationLcrs([byPrefix('3', 5), byPrefix('4', 5)]) })),
  };
}

/** The page's: 370 to LCR 2, group "Mobile" {3706, 370645} to LCR 3. */
const PAGE = [byPrefix('370', 2), byGroup(MOBILE, 3)];

const SERVED: readonly (readonly [what: string, rules: readonly DestinationRule[], number: string, lcrId: number])[] = [
  ['no rule concerns it', PAGE, '44207946', 1],
  ['no rule at all', [], '37051234567', 1],
  ['the page\'s wider prefix', PAGE, '37051234567', 2],
  ['the page\'s group takes its prefixes away from it', PAGE, '37061234567', 3],
  ['and so for each prefix of the group', PAGE, '37064512345', 3],
  ['the prefix of the destination itself before its group', [...PAGE, byPrefix('3706', 4)], '37061234567', 4],
  ['but not for a longer destination of the group', [...PAGE, byPrefix('3706', 4)], '37064512345', 3],
  ['a prefix that is longer than the destination', [...PAGE, byPrefix('370612', 4)], '37061234567', 4],
  ['the longest prefix', [byPrefix('3', 2), byPrefix('370', 3), byPrefix('37', 4)], '37051234567', 3],
  ['a shorter one covers what is below', [byPrefix('3', 2)], '37064512345', 2],
  ['the group before the name', [byName('Lithuania%', 2), byGroup(MOBILE, 3)], '37061234567', 3],
  ['the name before an inherited prefix', [byName('%mobile', 2), byPrefix('370', 3)], '37061234567', 2],
  ['the prefix itself before the name', [byName('%mobile', 2), byPrefix('3706', 3)], '37061234567', 3],
  ['the name with most characters of its own', [byName('%', 2), byName('Lith%', 3), byName('Lithuania%', 4)], '37061234567', 4],
  ['of equal names the first that was there', [byName('%mobile', 3), byName('_ithua%', 4)], '37061234567', 3],
  ['names without regard to case', [byName('LITHUANIA tele_', 2)], '37064512345', 2],
  ['a name that is like nothing', [byName('Lithuania', 2)], '37061234567', 1],
  ['a number of no destination has prefixes only', [byName('%', 2), byPrefix('99', 3)], '999123', 3],
  ['a rule may name the LCR itself', [...PAGE, byPrefix('3706', 1)], '37061234567', 1],
  ['rules of the LCR that it is left to are not asked', [byPrefix('370', 2)], '37051234567', 2],
];

for (const [what, rules, number, lcrId] of SERVED) {
  test(`${number} goes by LCR ${lcrId}: ${what}`, async () => {
    given(world(rules)).whenDeviceCalls(number).goesBy(`P${10 + lcrId}`);
  });
}

test('route tells which rule serves, and which are passed over', async (t) => {
  const { steps } = given(world([...PAGE, byName('Lith%', 4)])).whenDeviceCalls('37061234567');
  t.same(steps.filter(({ check }) => check === 'LCR by destination').map(({ outcome, detail }) => `${outcome}: ${detail}`), [
    'chosen: LCR 1 leaves the group of Lithuania mobile to LCR 3',
    'skipped: LCR 4 for Lithuania mobile, which is like lith%: a closer rule serves',
    'skipped: LCR 2 for prefix 370: a closer rule serves',
  ]);
});

test('an LCR that is not there, or empty, has no way', async () => {
  given(world([byPrefix('370', 99)])).whenDeviceCalls('37051234567').refusedWith(204);
  given({ ...world([byPrefix('370', 2)]), lcrs: [lcr(1, [11], { byDestination: buildDestinationLcrs([byPrefix('370', 2)]) }), lcr(2, [])] }).whenDeviceCalls('37051234567').refusedWith(204);
});

const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '%', '_'), maxLength: 8 });

test('% and _ mean what they mean in SQL', async (t) => {
  holds(t, fc.property(letters, pattern, (text, like) => {
    const naive = new RegExp(`^${like.replaceAll('.', '\\.').replaceAll(/%+/g, '.*').replaceAll('_', '.')}$`);
    return isLike(text, like) === naive.test(text);
  }), 2000);
  t.ok(isLike('a'.repeat(100), `${'%a'.repeat(50)}%`));
  t.notOk(isLike('a'.repeat(100), `${'%a'.repeat(50)}%b`));
});

const digits = fc.string({ unit: fc.constantFrom('0', '3', '7'), minLength: 1, maxLength: 4 });
const someDestinations = fc.uniqueArray(fc.record({ prefix: digits, groupId: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }), name: fc.constantFrom('ab', 'abc', 'b', 'ba') }), { selector: ({ prefix }) => prefix, maxLength: 6 });
const someRules = fc.record({
  prefixes: fc.uniqueArray(digits, { maxLength: 4 }), groups: fc.uniqueArray(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }), names: fc.uniqueArray(fc.constantFrom('a%', '%', '_b', 'ab%', 'b%'), { maxLength: 3 }),
});

test('for any rules and destinations the order is: own prefix, group, name, inherited prefix', async (t) => {
  holds(t, fc.property(someDestinations, someRules, digits, (places, { prefixes, groups, names }, number) => {
    const rules = [...prefixes.map((prefix, at) => byPrefix(prefix, 100 + at)), ...groups.map((group, at) => byGroup(group, 200 + at)), ...names.map((name, at) => byName(name, 300 + at))];
    const destinations = places.map((place, at) => ({ id: at + 1, prefix: place.prefix, name: place.name, ...(place.groupId === undefined ? {} : { groupId: place.groupId }) }));
    const base = lcr(1, [11], { byDestination: buildDestinationLcrs(rules) });
    const catalog = catalogOf({ destinations, lcrs: [base, ...rules.map((rule) => lcr(rule.lcrId, [11]))] });
    const [place] = places.filter(({ prefix }) => number.startsWith(prefix)).sort((a, b) => b.prefix.length - a.prefix.length);
    const rank = (rule: DestinationRule): number => {
      if (rule.by === 'prefix') return !number.startsWith(rule.prefix) ? -1 : (rule.prefix.length >= (place?.prefix.length ?? 0) ? 400 : 100) + rule.prefix.length;
      if (rule.by === 'group') return place?.groupId === rule.groupId ? 300 : -1;
      return place !== undefined && isLike(place.name, rule.pattern) ? 200 + rule.pattern.replaceAll(/[%_]/g, '').length : -1;
    };
    const [best] = rules.filter((rule) => rank(rule) >= 0).sort((a, b) => rank(b) - rank(a) || a.lcrId - b.lcrId);
    return lcrForDestination(catalog, base, number, null)?.id === (best?.lcrId ?? 1);
  }), 500);
});
