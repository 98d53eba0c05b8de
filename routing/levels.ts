/**
 * The prices of a call above the way out: user, reseller, partner, each by its own tariff on the same seconds
 * (Multi-Level Resellers), with the causes that refuse it there.
 */
import { perMinute, withGrace } from '../rating/rate.ts';
import type { Rate } from '../rating/rate.ts';
import { findRate } from '../rating/tariff.ts';
import type { Catalog, User } from './catalog.ts';
import type { Chain } from './chain.ts';
import type { Explain } from './explain.ts';
import type { Level, Payer, PayerCauses, PriceLevel } from './plan.ts';

export function rateBy(catalog: Catalog, tariffId: number | null, number: string, atMs: number): Rate | 'noRate' | 'blocked' {
  const tariff = tariffId === null ? undefined : catalog.tariffs.get(tariffId);
  return tariff === undefined ? 'noRate' : findRate(tariff, number, atMs);
}

interface LevelRule {
  readonly level: Extract<PriceLevel, 'user' | 'reseller' | 'partner'>;
  readonly noRate: number;
  readonly payer: PayerCauses;
}

const RULES: readonly LevelRule[] = [
  { level: 'user', noRate: 203, payer: { tooLow: 211, simultaneous: 212, underOneSecond: 210 } },
  { level: 'reseller', noRate: 242, payer: { tooLow: 215, simultaneous: 216, underOneSecond: 215 } },
  { level: 'partner', noRate: 254, payer: { tooLow: 251, simultaneous: 252, underOneSecond: 251 } },
];

export interface Levels {
  readonly ok: true;
  readonly levels: readonly Level[];
  readonly payers: readonly Payer[];
}

/** Someone with unlimited credit and no daily limit never runs out: nothing is held for him. */
export function payerOf(user: User, rates: readonly Rate[], causes: PayerCauses): Payer[] {
  return user.postpaid && user.credit === null && user.dailyLimit === 0n ? [] : [{ userId: user.id, rates, causes }];
}

export interface LevelRequest {
  readonly chain: Chain;
  readonly number: string;
  readonly atMs: number;
  /** Replaces the user's own tariff (localization rule); null: his own. */
  readonly userTariffId: number | null;
  /** Grace time of the calling device. Owners' own legs have none (Grace time). */
  readonly graceS: number;
}

export function outboundLevels(catalog: Catalog, request: LevelRequest, explain: Explain): Levels | { readonly ok: false; readonly cause: number } {
  const levels: Level[] = [];
  const payers: Payer[] = [];
  for (const rule of RULES) {
    const account = request.chain[rule.level];
    if (account === null) continue;
    const tariffId = rule.level === 'user' ? (request.userTariffId ?? account.tariffId) : account.tariffId;
    const found = rateBy(catalog, tariffId, request.number, request.atMs);
    if (found === 'noRate' || found === 'blocked') {
      const cause = found === 'blocked' ? 330 : rule.noRate;
      explain?.({ check: `${rule.level} rate`, outcome: 'refused', detail: `tariff ${tariffId ?? 'none'} of ${account.username}: ${found}`, cause });
      return { ok: false, cause };
    }
    const rate = rule.level === 'user' ? withGrace(found, request.graceS) : found;
    explain?.({ check: `${rule.level} rate`, outcome: 'passed', detail: `${account.username}: prefix ${rate.prefix}` });
    levels.push({ level: rule.level, rate, from: 'answer' });
    payers.push(...payerOf(account, [rate], rule.payer));
  }
  return { ok: true, levels, payers };
}

/** Price per minute asked by whoever sells to the level below; used for loss checks between levels. */
export function lossCause(chain: Chain, levels: readonly Level[]): number {
  const price = (level: PriceLevel): bigint | null => {
    const found = levels.find((one) => one.level === level);
    return found === undefined ? null : perMinute(found.rate);
  };
  const user = price('user');
  const reseller = price('reseller');
  const partner = price('partner');
  if (user !== null && reseller !== null && user < reseller && !chain.user.allowLossCalls) return 218;
  const below = reseller === null ? { price: user, account: chain.user } : { price: reseller, account: chain.reseller };
  if (partner !== null && below.price !== null && below.price < partner && below.account?.allowLossCalls !== true) return 253;
  return 0;
}
