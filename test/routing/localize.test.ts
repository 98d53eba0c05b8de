/** From what was dialled to E.164: the rules of devices, locations and providers, and what they switch. */
import * as fc from 'fast-check';
import { test } from 'tap';
import { holds } from '../rating/holds.ts';
import type { Device, LocationRule, NumberChange } from '../../routing/catalog.ts';
import { buildDidIndex } from '../../routing/did.ts';
import { applyRule, localize, matchRule } from '../../routing/localize.ts';
import type { Localized } from '../../routing/localize.ts';
import { blacklist, device, did, given, lcr, location, NOW_MS, ownRule, provider, rule, tariff, user } from './catalog-builder.ts';
import type { Given, Routed } from './catalog-builder.ts';

const NO_DIDS = buildDidIndex([]);

function localized(number: string, own: readonly LocationRule[], global: readonly LocationRule[] = [], src = '37050000000'): Localized {
  return localize({ locations: new Map([[1, location(1, ...global)], [2, location(2, ...own)]]), dids: NO_DIDS }, 2, { number, src });
}

const DESTINATIONS: readonly (readonly [what: string, number: string, own: readonly LocationRule[], global: readonly LocationRule[], expected: string])[] = [
  ['the page\'s example', '861234567', [rule('86', '3706')], [], '37061234567'],
  ['only cut', '0037060000000', [rule('00', '')], [], '37060000000'],
  ['only add', '5551234', [rule('', '1212')], [], '12125551234'],
  ['no rule matches', '861234567', [rule('87', '3707')], [], '861234567'],
  ['an own rule comes before a longer global one', '861234567', [rule('8', '1')], [rule('86', '3706')], '161234567'],
  ['global rules serve when no own one matches', '861234567', [rule('9', '1')], [rule('86', '3706')], '37061234567'],
  ['the longest cut wins', '00370', [rule('0', 'a'), rule('00', 'b'), rule('', 'c')], [], 'b370'],
  ['of equal ones the first that was there', '00370', [rule('00', 'a', { id: 9 }), rule('00', 'b', { id: 8 })], [], 'b370'],
  ['too short for it', '86123456', [rule('8', '370', { minLength: 9, maxLength: 9 })], [], '86123456'],
  ['of its length', '861234567', [rule('8', '370', { minLength: 9, maxLength: 9 })], [], '37061234567'],
  ['too long for it', '8612345678', [rule('8', '370', { minLength: 9, maxLength: 9 })], [], '8612345678'],
  ['a shorter cut serves where a longer one has other lengths', '8612', [rule('86', 'x', { minLength: 9 }), rule('8', '370')], [], '370612'],
  ['a plus that no rule cuts is no part of the number', '+37060000000', [], [], '37060000000'],
  ['a plus that a rule cuts', '+37060000000', [rule('+370', '00')], [], '0060000000'],
  ['a plus that a rule adds', '060000000', [rule('0', '+370')], [], '37060000000'],
  ['a rule for the source leaves it alone', '861234567', [rule('86', '3706', { applies: 'source' })], [], '861234567'],
];

for (const [what, number, own, global, expected] of DESTINATIONS) {
  test(`${number} becomes ${expected}: ${what}`, async (t) => {
    t.equal(localized(number, own, global).number, expected);
  });
}

test('a location that is not there is served by the global one, and so is the global one itself', async (t) => {
  const catalog = { locations: new Map([[1, location(1, rule('86', '3706'))]]), dids: NO_DIDS };
  for (const id of [1, 77]) t.equal(localize(catalog, id, { number: '861234567', src: '1' }).number, '37061234567');
});

const SOURCES: readonly (readonly [what: string, src: string, own: readonly LocationRule[], global: readonly LocationRule[], expected: string])[] = [
  ['cut and add', '852123456', [rule('8', '370', { applies: 'source' })], [], '37052123456'],
  ['a rule for the destination leaves it alone', '852123456', [rule('8', '370')], [], '852123456'],
  ['own before global', '852123456', [rule('8', '1', { applies: 'source' })], [rule('85', '2', { applies: 'source' })], '152123456'],
  ['global where no own one matches', '852123456', [rule('9', '1', { applies: 'source' })], [rule('85', '3705', { applies: 'source' })], '37052123456'],
  ['a rule that cuts nothing serves no word', 'anonymous', [rule('', '370', { applies: 'source' })], [], 'anonymous'],
  ['a word that is named', 'anonymous', [rule('anonymous', '37050000001', { applies: 'source' })], [], '37050000001'],
  ['of whom nothing is left is anonymous', '8', [rule('8', '', { applies: 'source' })], [], 'anonymous'],
  ['a plus stays, as callers write it', '+37052123456', [], [], '+37052123456'],
];

for (const [what, src, own, global, expected] of SOURCES) {
  test(`caller ${src} becomes ${expected}: ${what}`, async (t) => {
    t.equal(localized('1', own, global, src).src, expected);
  });
}

const both = (cut: string, add: string, source: { cut: string; add: string; minLength?: number }, parts: Partial<LocationRule> = {}): LocationRule =>
  rule(cut, add, { applies: 'combined', source: { minLength: 1, maxLength: 99, ...source }, ...parts });

test('a combined rule asks for both numbers and changes both', async (t) => {
  const rules = [both('8', '370', { cut: '8', add: '370' })];
  t.match(localized('861234567', rules, [], '852123456'), { number: '37061234567', src: '37052123456' });
  t.match(localized('861234567', rules, [], '37052123456'), { number: '861234567', src: '37052123456' }, 'the source does not match');
  t.match(localized('37061234567', rules, [], '852123456'), { number: '37061234567', src: '852123456' }, 'the destination does not match');
});

test('with the same cut a combined rule comes before a plain one, and of two the longer source', async (t) => {
  const rules = [rule('8', 'plain', { id: 1 }), both('8', 'short', { cut: '8', add: '8' }, { id: 2 }), both('8', 'long', { cut: '85', add: '85' }, { id: 3 })];
  t.equal(localized('861', rules, [], '852').number, 'long61');
  t.equal(localized('861', rules, [], '862').number, 'short61');
  t.equal(localized('861', rules, [], '372').number, 'plain61');
  t.equal(localized('861', [...rules, rule('86', 'closest')], [], '852').number, 'closest1', 'the longest cut of the destination counts first');
});

test('a combined rule leaves no source to the rules for it', async (t) => {
  const rules = [both('8', '370', { cut: '8', add: '370' }), rule('8', 'x', { applies: 'source' })];
  t.equal(localized('861', rules, [], '852').src, '37052');
  t.equal(localized('961', rules, [], '852').src, 'x52');
});

const digits = fc.string({ unit: fc.constantFrom('0', '1', '2'), maxLength: 6 });
const cut = fc.string({ unit: fc.constantFrom('0', '1', '2'), maxLength: 3 });
const change = fc.record({ cut, add: digits, minLength: fc.nat(4), maxLength: fc.integer({ min: 3, max: 8 }) });
const someRules = fc.array(fc.record({ change, applies: fc.constantFrom<LocationRule['applies']>('destination', 'source', 'combined'), source: change }), { maxLength: 10 })
  .map((parts) => parts.map((part) => rule(part.change.cut, part.change.add, { ...part.change, applies: part.applies, source: part.applies === 'combined' ? part.source : null })));

const fits = (one: NumberChange, text: string): boolean => text.startsWith(one.cut) && text.length >= one.minLength && text.length <= one.maxLength;

test('of any rules none that matches is closer than the one that is taken', async (t) => {
  holds(t, fc.property(someRules, digits, digits.filter((text) => text !== ''), (rules, number, src) => {
    const matching = rules.filter((one) => one.applies !== 'source' && fits(one, number) && (one.source === null || fits(one.source, src)));
    const [closest] = matching.sort((a, b) => b.cut.length - a.cut.length || (b.source?.cut.length ?? -1) - (a.source?.cut.length ?? -1) || a.id - b.id);
    const found = localized(number, rules, [], src);
    if (found.rule !== (closest ?? null)) return false;
    return found.number === (closest === undefined ? number : closest.add + number.slice(closest.cut.length));
  }), 500);
});

test('whatever the rules, the caller keeps some number', async (t) => {
  holds(t, fc.property(someRules, digits, digits.filter((text) => text !== ''), (rules, number, src) => localized(number, rules, [], src).src !== ''));
});

const deskOf = (parts: Partial<Device>): Given => ({ devices: [device(41, 5, { endpoint: 'desk', ...parts })] });
const called = (parts: Given, dialled: string, callerNumber = '37050000000'): Routed => given(parts).whenDeviceCalls(dialled, { callerNumber });

test('the device\'s own rules come before its location\'s', async (t) => {
  const parts = { ...deskOf({ rules: [ownRule('9', ''), ownRule('5', '3705', { applies: 'source' })] }), locations: [location(1, rule('86', '3706'), rule('8', '370', { applies: 'source' }))] };
  const { plan, steps } = called(parts, '9861234567', '52123456');
  t.match(plan.parties, { dst: '9861234567', localizedDst: '37061234567', src: '37052123456' });
  t.match(steps.slice(1, 4), [
    { check: 'device rule', detail: /^9861234567 -> 861234567 by rule / },
    { check: 'device rule', detail: /^caller 52123456 -> 37052123456 by rule / },
    { check: 'localization', detail: /^861234567 -> 37061234567 by rule / },
  ]);
});

test('lists, prices and DIDs see both numbers as the rules have them', async () => {
  const source = { locations: [location(1, rule('8', '370', { applies: 'source' }))], pools: { 1: ['37052%'] }, users: [user(5, { sourceList: blacklist(1) })] };
  called(source, '37060000000', '852123456').refusedWith(262);
  called({ ...source, users: [] }, '37060000000', '852123456').goesBy('P11');
  const pool = { ...source, users: [], dids: [did(51, '4420', { sourcePoolId: 1 })] };
  called(pool, '4420', '852123456').refusedWith(283);
});

test('the far end is shown the caller as the rules have him, with his own name', async (t) => {
  const source = { locations: [location(1, rule('8', '370', { applies: 'source' }))] };
  t.match(called(source, '37060000000', '852123456').plan.ways[0], { callerIdNumber: '37052123456', callerIdName: null });
  t.match(called(source, '37060000000', '752123456').plan.ways[0], { callerIdNumber: '', callerIdName: '' }, 'nothing changed: what he sends passes');
  t.match(called({ ...source, ...deskOf({ callerIdNumber: '852', callerIdName: 'Desk' }) }, '37060000000').plan.ways[0], { callerIdNumber: '37052', callerIdName: 'Desk' });
  t.match(called({ ...source, dids: [did(51, '4420')] }, '4420', '852123456').plan.ways[0], { kind: 'device', callerIdNumber: '37052123456', callerIdName: null });
});

const PROVIDER_SOURCES: readonly (readonly [what: string, parts: Given, shown: { callerIdNumber: string; callerIdName: string | null }])[] = [
  ['a source rule of the provider', { providers: [provider(11, '0.3', { rules: [ownRule('370', '8', { applies: 'source' })] })] }, { callerIdNumber: '850000000', callerIdName: null }],
  ['a source rule for others', { providers: [provider(11, '0.3', { rules: [ownRule('371', '8', { applies: 'source' })] })] }, { callerIdNumber: '', callerIdName: '' }],
  ['a number that the operator gave the provider', { providers: [provider(11, '0.3', { callerIdNumber: '37052', callerIdName: 'We', rules: [ownRule('370', '8', { applies: 'source' })] })] }, { callerIdNumber: '37052', callerIdName: 'We' }],
  ['a number of the device\'s own', { ...deskOf({ callerIdNumber: '37051', callerIdName: 'Desk' }), providers: [provider(11, '0.3', { rules: [ownRule('370', '8', { applies: 'source' })] })] }, { callerIdNumber: '851', callerIdName: 'Desk' }],
  ['after the location\'s', { locations: [location(1, rule('370', '371', { applies: 'source' }))], providers: [provider(11, '0.3', { rules: [ownRule('371', '9', { applies: 'source' })] })] }, { callerIdNumber: '950000000', callerIdName: null }],
];

for (const [what, parts, shown] of PROVIDER_SOURCES) {
  test(`who the far end is shown: ${what}`, async (t) => {
    t.match(called(parts, '37060000000').plan.ways[0], shown);
  });
}

test('a provider\'s rule cuts, adds and puts a suffix behind', async (t) => {
  t.equal(called({ providers: [provider(11, '0.3', { rules: [ownRule('370', '8', { suffix: '#7' })] })] }, '37060000000').plan.ways[0]?.number, '860000000#7');
  t.equal(called({ providers: [provider(11, '0.3', { rules: [ownRule('', '', { suffix: '99' })] })] }, '37060000000').plan.ways[0]?.number, '3706000000099');
  t.equal(applyRule(matchRule([ownRule('371', '8', { suffix: '9' })], 'destination', '370'), '370'), '370', 'no rule, no suffix');
});

const TWO: Given = { providers: [provider(11, '0.3'), provider(12, '0.3')], lcrs: [lcr(1, [11]), lcr(2, [12]), lcr(3, [])], tariffs: [tariff(3, { 370: '0.9' })] };

test('a rule may switch LCR and tariff: the destination\'s rule first, then the source\'s', async (t) => {
  const byCaller = rule('8', '370', { applies: 'source', lcrId: 2, tariffId: 3 });
  const switched = called({ ...TWO, locations: [location(1, byCaller)] }, '37060000000', '852').goesBy('P12');
  t.match(switched.plan.levels, [{ rate: { tariffId: 3 } }]);
  called({ ...TWO, locations: [location(1, byCaller, rule('370', '370', { lcrId: 1 }))] }, '37060000000', '852').goesBy('P11');
  t.match(called({ ...TWO, locations: [location(1, byCaller, rule('370', '370', { lcrId: 1 }))] }, '37060000000', '852').plan.levels, [{ rate: { tariffId: 3 } }], 'each switch by itself');
  called({ ...TWO, locations: [location(1, both('370', '370', { cut: '852', add: '852' }, { lcrId: 2 }))] }, '37060000000', '852').goesBy('P12');
});

test('a rule with an empty LCR blocks: short numbers by their length', async () => {
  const short = { ...TWO, locations: [location(1, rule('', '', { maxLength: 5, lcrId: 3 }))], tariffs: [tariff(1, { 1: '1', 370: '0.6' })] };
  called(short, '11234').refusedWith(204);
  called(short, '37060000000').goesBy('P11');
});

test('a rule may send the call to a DID, which is called as any other', async (t) => {
  const parts = { locations: [location(1, rule('777', '', { didId: 51 }))], dids: [did(51, '4420')] };
  const { plan } = called(parts, '777123').goesBy('office');
  t.match(plan.parties, { direction: 'inbound', dst: '777123', localizedDst: '4420', didId: 51, userId: 5, dstUserId: 8 });
  called({ ...parts, dids: [did(51, '4420', { status: 'reserved' })] }, '777123').refusedWith(229);
  called({ ...parts, dids: [did(51, '4420', { activeTillMs: NOW_MS })] }, '777123').refusedWith(203);
});

test('a rule may send the call to a device: nobody pays, places are taken', async (t) => {
  const parts = { locations: [location(1, rule('777', '', { deviceId: 48 }))], devices: [device(48, 8, { endpoint: 'office', callLimit: 3, ringTimeoutS: 20 })] };
  const { plan } = called(parts, '777123').goesBy('office');
  t.match(plan, { levels: [], payers: [], ways: [{ kind: 'device', id: 48, number: null, rate: null, ringTimeoutS: 20 }] });
  t.match(plan.parties, { direction: 'local', dst: '777123', localizedDst: '123', userId: 5, deviceId: 41, dstUserId: 8, dstDeviceId: 48 });
  const keys = plan.counters.map(({ key }) => key);
  for (const key of ['calls:device:41', 'calls:user:5:out', 'calls:device:48', 'calls:user:8:in', 'calls:server:1']) t.ok(keys.includes(key), key);
  t.match(plan.counters, [{}, {}, {}, { key: 'calls:device:48', limit: 3, cause: 221 }]);
});

test('a rule that sends to a device may cut the whole number', async (t) => {
  t.equal(called({ locations: [location(1, rule('777123', '', { deviceId: 48 }))] }, '777123').plan.parties.localizedDst, '777123');
});

const TO_OFFICE = { locations: [location(1, rule('777', '', { deviceId: 48 }))] };
const NOT_TO_DEVICE: readonly (readonly [string, Given, number])[] = [
  ['a device that is not there', { locations: [location(1, rule('777', '', { deviceId: 99 }))] }, 207],
  ['a blocked device', { ...TO_OFFICE, devices: [device(48, 8, { endpoint: 'office', blocked: true })] }, 207],
  ['a device of a blocked user', { ...TO_OFFICE, users: [user(8, { blocked: true })] }, 237],
  ['a caller who is blocked', { ...TO_OFFICE, users: [user(5, { blocked: true })] }, 201],
  ['a caller in the called user\'s blacklist', { ...TO_OFFICE, users: [user(8, { sourceList: blacklist(1) })], pools: { 1: ['37050%'] } }, 262],
];

for (const [what, parts, cause] of NOT_TO_DEVICE) {
  test(`a rule that sends to a device, ${what}: refused with ${cause}`, async () => {
    called(parts, '777123').refusedWith(cause);
  });
}

test('what rules make of a number must still be one', async () => {
  called({ locations: [location(1, rule('8', ''))] }, '8').refusedWith(336);
  called({ locations: [location(1, rule('', '3'.repeat(40)))] }, '37060000000').refusedWith(207);
});

test('a provider\'s location localizes the calls that it brings', async (t) => {
  const parts: Given = {
    providers: [provider(11, '0.3', { locationId: 2 })],
    locations: [location(1, rule('9', '44')), location(2, rule('0', '44', { minLength: 4 }), rule('0', '49', { applies: 'source' }), rule('5', '', { didId: 52 }))],
    dids: [did(51, '44200'), did(52, '4421')],
  };
  const { plan, steps } = given(parts).whenProviderCalls('0200', { callerNumber: '030123' });
  t.match(plan.parties, { dst: '0200', localizedDst: '44200', src: '4930123', didId: 51 });
  t.match(plan.ways[0], { callerIdNumber: '4930123', callerIdName: null });
  t.match(steps.find(({ check }) => check === 'localization'), { detail: /^0200 -> 44200 by rule / });
  t.match(given(parts).whenProviderCalls('9200').plan.parties, { localizedDst: '44200' }, 'the global rules where none of its own matches');
  t.match(given(parts).whenProviderCalls('+44200', { callerNumber: '1' }).plan, { parties: { localizedDst: '44200', src: '1' }, ways: [{ callerIdNumber: '' }] });
  t.match(given(parts).whenProviderCalls('5').plan.parties, { didId: 52, localizedDst: '4421' }, 'a rule may send it to a DID');
  given(parts).whenProviderCalls('020').refusedWith(207);
});
