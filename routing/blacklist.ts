/**
 * Dynamic blacklist: the scores of the caller's number, of the called one and of the signalling address are added up, and
 * from a threshold on the call goes by the LCR of that threshold. docs/ROUTING.md tells where scores come from.
 */
import { ADMIN_ID } from './catalog.ts';
import type { BlacklistLcr, Catalog, User } from './catalog.ts';
import type { Explain } from './explain.ts';
import { pointsAt, scoreItem } from './score.ts';
import type { ScoreKind, ScoreView } from './score.ts';

export interface ScoreRules {
  /** Where everybody begins: the score of the unknown. */
  readonly defaults: Readonly<Record<ScoreKind, number>>;
  readonly halfLifeMs: number;
}

export interface BlacklistContext {
  readonly catalog: Pick<Catalog, 'users' | 'lcrs' | 'scores'>;
  readonly rules: ScoreRules;
  /** null: the dynamic blacklist is off. */
  readonly scores: ScoreView | null;
  readonly explain: Explain;
}

export interface ScoredCall {
  readonly src: string;
  readonly number: string;
  readonly ip: string;
  readonly atMs: number;
}

export interface Score {
  readonly points: number;
  readonly from: 'set' | 'raised' | 'default';
}

type Scored = Pick<BlacklistContext, 'rules' | 'scores'> & { readonly set: ReadonlyMap<string, number> };

/** The operator's score stands in place of the engine's. */
export function scoreOf({ rules, scores, set }: Scored, kind: ScoreKind, text: string, atMs: number): Score {
  const item = scoreItem(kind, text);
  const given = set.get(item);
  if (given !== undefined) return { points: given, from: 'set' };
  const level = scores?.get(item);
  const raised = level === undefined ? 0 : pointsAt(level, atMs, rules.halfLifeMs);
  return { points: rules.defaults[kind] + raised, from: raised === 0 ? 'default' : 'raised' };
}

interface Thresholds {
  readonly whose: string;
  /** The highest threshold first. */
  readonly lcrs: readonly BlacklistLcr[];
}

function thresholdsOf(users: Catalog['users'], user: User): Thresholds | null {
  if (user.dynamicBlacklist === 'off') return null;
  if (user.dynamicBlacklist === 'own') return { whose: user.username, lcrs: user.blacklistLcrs };
  return { whose: 'all users', lcrs: users.get(ADMIN_ID)?.blacklistLcrs ?? [] };
}

const scoreText = (name: string, { points, from }: Score): string => `${name} ${points}${from === 'raised' ? '' : ` (${from})`}`;

/** The LCR of the highest threshold that the call reaches; null: of none. */
export function blacklistLcrId({ catalog, rules, scores, explain }: BlacklistContext, user: User, call: ScoredCall): number | null {
  const thresholds = scores === null ? null : thresholdsOf(catalog.users, user);
  const lowest = thresholds?.lcrs.at(-1);
  if (thresholds === null || lowest === undefined) return null;
  const known = { rules, scores, set: catalog.scores };
  const source = scoreOf(known, 'source', call.src, call.atMs);
  const destination = scoreOf(known, 'destination', call.number, call.atMs);
  const ip = scoreOf(known, 'ip', call.ip, call.atMs);
  const total = source.points + destination.points + ip.points;
  const reached = thresholds.lcrs.find(({ threshold }) => total >= threshold);
  if (explain !== null) {
    const sum = `${scoreText('source', source)} + ${scoreText('destination', destination)} + ${scoreText('IP', ip)} = ${total}`;
    if (reached === undefined) explain({ check: 'dynamic blacklist', outcome: 'passed', detail: `${sum}, below ${lowest.threshold} of ${thresholds.whose}` });
    else explain({ check: 'dynamic blacklist', outcome: 'chosen', detail: `${sum}, reaches ${reached.threshold} of ${thresholds.whose}: ${catalog.lcrs.get(reached.lcrId)?.name ?? `LCR ${reached.lcrId}`}` });
  }
  return reached?.lcrId ?? null;
}
