/** The decision of a call with its reasons, held against the counters and balances of this moment. */
import { longestCall, reserve } from '../rating/credit.ts';
import { moneyText } from '../rating/money.ts';
import type { Money } from '../rating/money.ts';
import { perMinute } from '../rating/rate.ts';
import type { Catalog } from '../routing/catalog.ts';
import type { Step } from '../routing/explain.ts';
import { hangupCause } from '../routing/hangup-causes.ts';
import { shortest } from '../routing/outbound.ts';
import type { Arrival, CounterClaim, Payer, Plan, RoutingSettings } from '../routing/plan.ts';
import type { TalkView } from '../routing/minutes.ts';
import { route } from '../routing/route.ts';
import type { WhichScores } from '../store/redis/scores.ts';
import { DAILY_LIMIT_CAUSE } from '../store/redis/admit.ts';
import type { LiveView, Purse } from '../store/redis/view.ts';

export interface ExplainParts {
  readonly catalog: Catalog;
  readonly settings: RoutingSettings;
  readonly view: LiveView;
  readonly talk: TalkView;
  /** Of users who may hear a prompt before their calls. */
  readonly balances?: ReadonlyMap<number, Money>;
  readonly reservation: 'slice' | 'frozen';
  readonly frozenS: number;
  readonly qualityWindowMinutes: number;
  /** The scores of the dynamic blacklist that daemons know; none: it is off. */
  readonly blacklist?: WhichScores | undefined;
}

export interface ExplainedWay {
  readonly name: string;
  readonly dials: string;
  readonly perMinute: string;
  readonly calls: number;
  readonly limit: number;
}

export interface Explanation {
  readonly allowed: boolean;
  /** Hangup cause and SIP answer of a refusal; null when the call would be placed. */
  readonly cause: number | null;
  readonly sip: number | null;
  readonly longestS: number | null;
  readonly steps: readonly Step[];
  readonly ways: readonly ExplainedWay[];
  readonly verdict: string;
}

export async function explainCall(parts: ExplainParts, arrival: Arrival): Promise<Explanation> {
  const steps: Step[] = [];
  // Half of the weight: an LCR by percent is explained by one fixed draw.
  const window = { nowMs: arrival.atMs, windowMs: parts.qualityWindowMinutes * 60_000 };
  const quality = await parts.view.quality([...parts.catalog.providers.keys()], window);
  const dead = await parts.view.dead(arrival.serverId);
  const scores = parts.blacklist === undefined ? null : await parts.view.scores(parts.blacklist);
  const decision = route({ catalog: parts.catalog, settings: parts.settings, random: () => 0.5, quality, dead, talk: parts.talk, scores, balanceOf: (userId) => parts.balances?.get(userId), explain: (step) => steps.push(step) }, arrival);
  if (decision.kind === 'refused') return refusal(decision.cause, steps, []);
  const counters = await parts.view.counters();
  const full = [...decision.counters].find((claim) => isFull(claim, counters, steps));
  const ways = explainedWays(decision, counters);
  if (full !== undefined) return refusal(full.cause, steps, ways);
  const money = await explainMoney(parts, decision, { steps, atMs: arrival.atMs });
  if (money.cause !== 0) return refusal(money.cause, steps, ways);
  const usable = decision.ways.find((way) => way.claims.every((claim) => !isFull(claim, counters, steps, 'skipped')));
  if (usable === undefined) return refusal(204, steps, ways);
  const longestS = shortest(money.longestS, usable.callTimeoutS);
  const verdict = `The call would be placed by ${usable.name} and could last ${longestS} s.`;
  return { allowed: true, cause: null, sip: null, longestS, steps, ways, verdict };
}

function refusal(cause: number, steps: readonly Step[], ways: readonly ExplainedWay[]): Explanation {
  const { sentence, sip } = hangupCause(cause);
  return { allowed: false, cause, sip, longestS: null, steps, ways, verdict: `The call would be refused: ${cause}, ${sentence} (SIP ${sip}).` };
}

function isFull(claim: CounterClaim, counters: Readonly<Record<string, number>>, steps: Step[], outcome: 'refused' | 'skipped' = 'refused'): boolean {
  const now = counters[claim.key] ?? 0;
  const full = claim.limit > 0 && now >= claim.limit;
  if (full) steps.push({ check: 'limit', outcome, detail: `${claim.key}: ${now} of ${claim.limit}`, cause: claim.cause });
  else if (claim.limit > 0) steps.push({ check: 'limit', outcome: 'passed', detail: `${claim.key}: ${now} of ${claim.limit}` });
  return full;
}

function explainedWays(plan: Plan, counters: Readonly<Record<string, number>>): ExplainedWay[] {
  return plan.ways.map((way) => ({
    name: way.name,
    dials: (way.fork ?? [way]).map(({ number, endpoint }) => (number === null ? endpoint : `${number}@${endpoint}`)).join(', '),
    perMinute: way.rate === null ? '' : moneyText(perMinute(way.rate)),
    calls: counters[way.claims[0]?.key ?? ''] ?? 0,
    limit: way.claims[0]?.limit ?? 0,
  }));
}

function owed(payer: Payer, seconds: number): Money {
  return payer.rates.reduce((sum, rate) => sum + reserve(rate, seconds), 0n);
}

async function explainMoney(parts: ExplainParts, plan: Plan, { steps, atMs }: { readonly steps: Step[]; readonly atMs: number }): Promise<{ cause: number; longestS: number }> {
  let longestS = parts.reservation === 'frozen' && plan.payers.length > 0 ? Math.min(parts.frozenS, plan.maxTalkS) : plan.maxTalkS;
  for (const payer of plan.payers) {
    if (owed(payer, longestS) <= 0n) continue;
    const purse = await parts.view.purse(payer.userId, atMs);
    if (purse === null) continue;
    const free = freeOf(purse);
    if (free === null) continue;
    const name = parts.catalog.users.get(payer.userId)?.username ?? `user ${payer.userId}`;
    const detail = `${name}: ${purseText(purse, free)}`;
    const cause = moneyCause(payer, purse, free);
    if (cause !== 0) {
      steps.push({ check: 'money', outcome: 'refused', detail, cause });
      return { cause, longestS: 0 };
    }
    steps.push({ check: 'money', outcome: 'passed', detail });
    const [rate] = payer.rates;
    if (rate !== undefined) longestS = Math.min(longestS, longestCall(rate, free, longestS));
  }
  return { cause: 0, longestS };
}

/** What a payer may still spend; null: without limit. */
function freeOf({ balance, credit, reserved, pending, today }: Purse): Money | null {
  const own = credit === null ? null : balance + credit - reserved - pending;
  return own === null || (today !== null && today < own) ? today : own;
}

function purseText({ balance, credit, reserved, today }: Purse, free: Money): string {
  const ofDay = today === null ? '' : `, left of the daily limit ${moneyText(today)}`;
  return `balance ${moneyText(balance)}, credit ${credit === null ? 'unlimited' : moneyText(credit)}, held by calls ${moneyText(reserved)}${ofDay}, free ${moneyText(free)}`;
}

/** As the script that admits decides it; 0: a second can be paid. */
function moneyCause(payer: Payer, { balance, credit, pending, today }: Purse, free: Money): number {
  const least = owed(payer, 1);
  if (free >= least) return 0;
  if (today !== null && today < least) return DAILY_LIMIT_CAUSE;
  const total = balance + (credit ?? 0n) - pending;
  return total <= 0n ? payer.causes.tooLow : total < least ? payer.causes.underOneSecond : payer.causes.simultaneous;
}
