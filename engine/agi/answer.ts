/** What a dialplan is told: variables of the caller's channel, in the order in which they are set. */
import { deviceDialString, hostDialString, numberDialString } from '../asterisk/dial-string.ts';
import { InvalidText } from '../asterisk/encode.ts';
import { limitMs } from '../call/dialled.ts';
import type { DialledCall } from '../call/dialled.ts';
import type { Moment } from '../call/state.ts';
import { hangupCause } from '../../routing/hangup-causes.ts';
import type { Way } from '../../routing/plan.ts';

export type Variables = readonly (readonly [name: string, value: string])[];

/** More ways than anybody tries in one call are told of the first ones only; `next` knows them all. */
const MOST_WAYS = 20;

/** '': it cannot be dialled; Dial() fails, and the next way is asked for. */
function dialString(way: Way): string {
  const targets = way.fork ?? [way];
  try {
    return targets.map(({ endpoint, number }) => (number === null ? deviceDialString(endpoint) : way.host === null || way.fork !== undefined ? numberDialString(number, endpoint) : hostDialString(number, way.host, endpoint))).join('&');
  } catch (error) {
    if (error instanceof InvalidText) return '';
    throw error;
  }
}

function replaces(way: Way): boolean {
  return way.callerIdNumber !== '' || way.callerIdName !== '';
}

/** As ARI's calls show him: always name and number, and the caller himself on a way that replaces nothing. */
function identity({ call, way }: DialledCall): Variables {
  const present = call.plan.ways[way];
  if (present === undefined || !call.plan.ways.some(replaces)) return [];
  const name = replaces(present) ? (present.callerIdName ?? call.originator.name) : call.originator.name;
  return [['TOLLGATE_CALLERID_NUM', present.callerIdNumber || call.originator.number], ['TOLLGATE_CALLERID_NAME', name]];
}

function target(index: number, way: Way): Variables {
  return [[`TOLLGATE_DIAL_${index + 1}`, dialString(way)], [`TOLLGATE_TIMEOUT_${index + 1}`, String(way.ringTimeoutS)]];
}

/** Behind the dialplan's own limit: Asterisk ends the caller's channel so many seconds from now. */
function net({ call }: DialledCall, talkMs: number): Variables {
  const ringS = call.plan.ways.reduce((sum, one) => sum + one.ringTimeoutS, 0);
  return [['TIMEOUT(absolute)', String(ringS + Math.ceil(talkMs / 1000) + call.settings.deadManS)]];
}

function present(one: DialledCall, now: Moment): Variables {
  const talkMs = limitMs(one, now);
  return [...identity(one), ['TOLLGATE_LIMIT_MS', String(talkMs)], ...net(one, talkMs), ['TOLLGATE_WAY', String(one.way + 1)]];
}

/** That it is allowed is told last: who is told half of it is told nothing. */
export function allowed(one: DialledCall, now: Moment): Variables {
  const { ways, announcement } = one.call.plan;
  return [
    ['TOLLGATE_CALL', one.call.id],
    ['TOLLGATE_WAYS', String(ways.length)],
    ...ways.slice(0, MOST_WAYS).flatMap((way, index) => target(index, way)),
    ...(one.way >= MOST_WAYS ? target(one.way, ways[one.way] as Way) : []),
    ...(announcement === undefined ? [] : [['TOLLGATE_PROMPT', announcement.file], ['TOLLGATE_LANGUAGE', announcement.language]] as const),
    ...present(one, now),
    ['TOLLGATE_ALLOWED', '1'],
  ];
}

export function refused(cause: number): Variables {
  return [['TOLLGATE_CAUSE', String(hangupCause(cause).q850)], ['TOLLGATE_HGC', String(cause)], ['TOLLGATE_ALLOWED', '0']];
}

/** What Dial() said of the way before is wiped out, so that it is not taken for the next one's. */
export function nextWay(one: DialledCall, now: Moment): Variables {
  const way = one.call.plan.ways[one.way];
  return [['DIALSTATUS', ''], ...(one.way >= MOST_WAYS && way !== undefined ? target(one.way, way) : []), ...present(one, now)];
}

/** The call is over and needs no `finish`. */
export function noWay(cause: number): Variables {
  return [['TOLLGATE_CALL', ''], ['TOLLGATE_CAUSE', String(hangupCause(cause).q850)], ['TOLLGATE_HGC', String(cause)], ['TOLLGATE_WAY', '0']];
}
