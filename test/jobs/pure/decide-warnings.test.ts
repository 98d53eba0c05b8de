/** Who is warned of a low balance, when, and who is told. */
import { test } from 'tap';
import { decideWarnings, deliveriesOf } from '../../../jobs/decide-warnings.ts';
import { parseMoney } from '../../../rating/money.ts';
import type { Decided, Span, WarnedUser } from '../../../store/warnings/rows.ts';

const NEW = { arming: 0, warned: false, version: 0 };
const HOUR_MS = 3_600_000;
const NINE = Date.parse('2026-11-24T09:00:00Z');

function user(parts: Partial<WarnedUser> & { readonly at?: string } = {}): WarnedUser {
  const { at = '4', ...more } = parts;
  return {
    id: 5, balance: parseMoney(at), version: 7, threshold: parseMoney('5'), mode: 'once', hour: 9, timeZone: 'UTC', warningEmail: '', email: 'user@example.com', webhook: '',
    ownerId: 0, ownerEmail: 'admin@example.com', adminEmail: 'admin@example.com', accountantEmail: 'ann@example.com', state: NEW, rose: false, ...more,
  };
}

const hourTo = (nowMs: number): Span => ({ lastMs: nowMs - HOUR_MS, nowMs });
const decide = (one: WarnedUser, span: Span = hourTo(NINE), mail = true): Decided | undefined => decideWarnings([one], span, mail)[0];

const ONCE: readonly (readonly [what: string, user: Partial<WarnedUser> & { readonly at?: string }, occasion: string | null, state: object | null])[] = [
  ['below for the first time', {}, '1', { arming: 1, warned: true, version: 7 }],
  ['not below', { at: '5' }, null, null],
  ['just below', { at: '4.9999999999' }, '1', { arming: 1, warned: true, version: 7 }],
  ['still below', { state: { arming: 1, warned: true, version: 3 } }, null, { arming: 1, warned: true, version: 7 }],
  ['still below and nothing happened', { state: { arming: 1, warned: true, version: 7 } }, null, null],
  ['above again: armed', { at: '6', state: { arming: 1, warned: true, version: 3 } }, null, { arming: 1, warned: false, version: 7 }],
  ['below for the second time', { state: { arming: 1, warned: false, version: 3 } }, '2', { arming: 2, warned: true, version: 7 }],
  ['above and below again between two looks', { state: { arming: 1, warned: true, version: 3 }, rose: true }, '2', { arming: 2, warned: true, version: 7 }],
  ['below zero, a threshold below zero', { at: '-6', threshold: parseMoney('-5') }, '1', { arming: 1, warned: true, version: 7 }],
  ['nobody to be told', { email: '', adminEmail: '', accountantEmail: '' }, null, null],
];

for (const [what, parts, occasion, state] of ONCE) {
  test(`once: ${what}`, async (t) => {
    const decided = decide(user(parts));
    t.strictSame([decided?.warning?.occasion ?? null, decided?.state], [occasion, state]);
    if (occasion !== null) t.equal(decided?.warning?.mode, 'once');
  });
}

const at = (text: string): number => Date.parse(`2026-11-${text}Z`);
const DAILY: readonly (readonly [what: string, user: Partial<WarnedUser> & { readonly at?: string }, span: Span, occasion: string | null])[] = [
  ['at his hour', {}, hourTo(NINE), '2026-11-24'],
  ['an hour later no more', {}, hourTo(NINE + HOUR_MS), null],
  ['an hour before not yet', {}, hourTo(NINE - HOUR_MS), null],
  ['not below', { at: '5' }, hourTo(NINE), null],
  ['dropped below after his hour: the next day', {}, hourTo(at('24T15:00:00')), null],
  ['nobody looked at his hour: by the next look', {}, { lastMs: at('24T08:00:00'), nowMs: at('24T11:30:00') }, '2026-11-24'],
  ['nobody looked for three days: once', {}, { lastMs: at('21T08:00:00'), nowMs: at('24T11:30:00') }, '2026-11-24'],
  ['nobody looked for three days, before his hour: yesterday\'s', {}, { lastMs: at('21T08:00:00'), nowMs: at('24T07:30:00') }, '2026-11-23'],
  ['his time zone', { timeZone: 'America/New_York' }, hourTo(at('24T14:00:00')), '2026-11-24'],
  ['the look comes a little late', {}, { lastMs: NINE - HOUR_MS + 5000, nowMs: NINE + 5000 }, '2026-11-24'],
];

for (const [what, parts, span, occasion] of DAILY) {
  test(`daily: ${what}`, async (t) => {
    const decided = decide(user({ mode: 'daily', ...parts }), span);
    t.strictSame([decided?.warning?.occasion ?? null, decided?.state], [occasion, null]);
  });
}

const ALL: readonly (readonly [what: string, user: Partial<WarnedUser>, mail: boolean, told: readonly string[]])[] = [
  ['a user of the admin', {}, true, ['user user@example.com', 'admin admin@example.com', 'accountant ann@example.com']],
  ['the warning\'s own address', { warningEmail: 'low@example.com' }, true, ['user low@example.com', 'admin admin@example.com', 'accountant ann@example.com']],
  ['several addresses', { warningEmail: 'a@example.com; b@example.com' }, true, ['user a@example.com', 'user b@example.com', 'admin admin@example.com', 'accountant ann@example.com']],
  ['a user of a reseller', { ownerId: 2, ownerEmail: 'rita@example.com' }, true, ['user user@example.com', 'reseller rita@example.com']],
  ['an address twice', { accountantEmail: 'ADMIN@example.com', email: 'admin@example.com;user@example.com' }, true, ['user admin@example.com', 'user user@example.com']],
  ['a webhook beside mail', { webhook: 'https://example.com/x' }, true, ['user user@example.com', 'admin admin@example.com', 'accountant ann@example.com', 'webhook https://example.com/x']],
  ['a webhook without a mail server', { webhook: 'https://example.com/x' }, false, ['webhook https://example.com/x']],
  ['no mail server', {}, false, []],
];

for (const [what, parts, mail, told] of ALL) {
  test(`told are, of ${what}`, async (t) => t.strictSame(deliveriesOf(user(parts), mail).map(({ recipient, address }) => `${recipient} ${address}`), told));
}
