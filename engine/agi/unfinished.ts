/** How Dial() of a call went whose dialplan did not tell it, by what Asterisk's event log says of its channels. */
import { NOT_WITNESSED } from '../asterisk/witness.ts';
import type { Witnessed, WitnessedChannels } from '../asterisk/witness.ts';
import type { Dialled, DialledCall } from '../call/dialled.ts';
import { DIED_CAUSE } from '../call/outcome.ts';
import type { Gone, Moment } from '../call/state.ts';

interface Clock {
  moment(wallMs: number): Moment;
}

/** The legs of the present way, in the order in which they began: those of ways before had ended when it was told. */
function legsOf({ call, started }: DialledCall, witnessed: WitnessedChannels): Witnessed[] {
  const caller = call.originator.channelId;
  return [...witnessed]
    .filter(([id, { linkedId, endedMs }]) => id !== caller && linkedId === caller && (endedMs === null || endedMs > started.wallMs))
    .map(([, leg]) => leg)
    .sort((a, b) => (a.startedMs ?? 0) - (b.startedMs ?? 0));
}

/** The way, and which of its devices, that has this leg. */
function wayOf({ call, way }: DialledCall, leg: Witnessed): Pick<Dialled, 'way' | 'deviceId'> {
  const { ways } = call.plan;
  const isOf = ({ endpoint }: { readonly endpoint: string }): boolean => leg.name.startsWith(`PJSIP/${endpoint}-`);
  const fits = (index: number): boolean => isOf(ways[index] ?? { endpoint: '' }) || ways[index]?.fork?.some(isOf) === true;
  const found = fits(way) ? way : ways.findIndex((_, index) => index > way && fits(index));
  const index = found < 0 ? way : found;
  return { way: index, deviceId: ways[index]?.fork?.find(isOf)?.deviceId ?? null };
}

/** null: nothing was dialled, as far as is known. `gone`: the caller's end. */
export function unfinished(one: DialledCall, witnessed: WitnessedChannels, gone: Gone, clock: Clock): Dialled | null {
  if (one.way < 0) return null;
  const caller = witnessed.get(one.call.originator.channelId) ?? NOT_WITNESSED;
  const legs = legsOf(one, witnessed);
  const leg = legs.find(({ answeredMs }) => answeredMs !== null) ?? legs.at(-1);
  const moment = (ms: number | null | undefined): Moment | null => (ms === null || ms === undefined ? null : clock.moment(ms));
  const started = moment(leg?.startedMs) ?? one.started;
  if (leg === undefined) {
    // Without the log: when it was seen up, or when the caller was answered, which Dial() does when it is.
    const answered = moment(caller.answeredMs) ?? one.answered;
    return answered === null ? null : { way: one.way, deviceId: null, started, rang: null, answered, gone, by: 'originator' };
  }
  const answered = moment(leg.answeredMs);
  // Of two sides that ended together, the caller's is told later, as his dialplan goes on for a moment.
  const end = moment(leg.endedMs);
  const died = gone.source === 'estimate' && gone.cause === DIED_CAUSE;
  const byCaller = answered === null ? ['', 'CANCEL'].includes(caller.dialStatus) : caller.endedBy === caller.name;
  const ended: Gone = end === null || died ? gone : { moment: end, cause: leg.cause, techCause: null, source: 'witness' };
  return { ...wayOf(one, leg), started, rang: null, answered, gone: ended, by: byCaller || end === null || died ? 'originator' : 'terminator' };
}
