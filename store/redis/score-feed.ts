/**
 * What a call that is over raises in the dynamic blacklist. Its facts travel in its entry of the stream of finished calls;
 * the settler turns them into points by its own settings, and scores.lua adds what depends on what the source dialled before.
 */
import type { Cdr } from '../../engine/call/admission.ts';
import { folded } from '../../routing/packed-numbers.ts';
import { halfLives } from '../../routing/score.ts';
import { scoresKey } from './keys.ts';

/** `blacklist.*` of docs/CONFIG.md. */
export interface BlacklistOptions {
  readonly enabled: boolean;
  readonly halfLifeHours: number;
  readonly sourceWeight: number;
  readonly destinationWeight: number;
  readonly ipWeight: number;
  readonly shortCallS: number;
  readonly shortCallPoints: number;
  readonly zeroCallPoints: number;
  readonly sequentialStep: number;
  readonly sequentialPoints: number;
  readonly manyNumbers: number;
  readonly manyNumbersPoints: number;
  readonly windowMinutes: number;
  readonly storedItems: number;
  readonly memoryItems: number;
}

const HOUR_MS = 3_600_000;
const SWITCH_FULL = 208;
/** A score of so many doublings is beyond what anyone can dial. */
const MOST_DOUBLINGS = 64;

export const halfLifeMs = ({ halfLifeHours }: Pick<BlacklistOptions, 'halfLifeHours'>): number => halfLifeHours * HOUR_MS;

/** Numbers with a digit: a caller without one is not one caller. */
const NUMBER = /^(?=.*[0-9])[0-9a-z*#._-]{1,80}$/;
const ADDRESS = /^[0-9a-f.:]{2,45}$/;

type Facts = readonly [src: string, dst: string, ip: string, dialledMs: number, endMs: number, talkMs: number | null];

/** Field and value of the entry; of a call that a device of ours made to the world, however many ways were tried. */
export function scoredFields(cdrs: readonly Cdr[]): string[] {
  const last = cdrs.find(({ final }) => final);
  // The caller is not to blame for a full switch.
  if (last === undefined || last.hangupCause === SWITCH_FULL || last.direction !== 'outbound' || last.deviceId === null) return [];
  const facts: Facts = [folded(last.src), folded(last.localizedDst), last.originatorIp.toLowerCase(), last.callDateMs, last.endMs, last.disposition === 'ANSWERED' ? last.billMs : null];
  return ['scored', JSON.stringify(facts)];
}

function pointsOf(talkMs: number | null, rules: BlacklistOptions): number {
  if (talkMs === null) return rules.zeroCallPoints;
  return talkMs < rules.shortCallS * 1000 ? rules.shortCallPoints : 0;
}

/** A call for scores.lua; '': it feeds nothing. */
export function feedOf(scored: string, rules: BlacklistOptions): string {
  if (scored === '') return '';
  const [src, dst, ip, dialledMs, endMs, talkMs] = JSON.parse(scored) as Facts;
  const points = pointsOf(talkMs, rules);
  if (points === 0 && rules.sequentialStep === 0 && rules.manyNumbers === 0) return '';
  return JSON.stringify({
    // What is left out is nil in Lua.
    source: NUMBER.test(src) ? src : undefined, number: NUMBER.test(dst) ? dst : undefined, ip: ADDRESS.test(ip) ? ip : undefined,
    digits: /^[0-9]+$/.test(dst), points, dialled: dialledMs, age: halfLives(endMs, halfLifeMs(rules)),
  });
}

/** The rules that hold for all calls of a script. */
export function feedRules(rules: BlacklistOptions, nowMs: number): string {
  return JSON.stringify({
    set: scoresKey(rules.halfLifeHours), age: halfLives(nowMs, halfLifeMs(rules)), life: halfLifeMs(rules) * MOST_DOUBLINGS, stored: rules.storedItems,
    weights: { source: rules.sourceWeight, destination: rules.destinationWeight, ip: rules.ipWeight },
    step: rules.sequentialStep, sequential: rules.sequentialPoints, many: rules.manyNumbers, spread: rules.manyNumbersPoints, window: rules.windowMinutes * 60_000,
  });
}
