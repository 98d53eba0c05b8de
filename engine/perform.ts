/**
 * Carries out what a call has decided, and reports what came of it as the call's next input. Decides nothing.
 */
import { addToBridge, answer, createBridge, createLeg, destroyBridge, dial, hangup, play, ring, setVariable, stopPlayback } from './asterisk/commands.ts';
import { AriError } from './asterisk/contract.ts';
import type { AriRequest, AsteriskLink } from './asterisk/contract.ts';
import type { AdmitRequest } from './call/admission.ts';
import { deviceDialString, hostDialString, numberDialString } from './asterisk/dial-string.ts';
import type { DialString } from './asterisk/dial-string.ts';
import type { Call, CallAction, CallInput } from './call/state.ts';
import type { Finisher } from './finisher.ts';
import { monotonicMs } from './clock.ts';
import { encodeCall, encodePast } from './memo.ts';
import type { Meter } from './meter.ts';
import type { CallStore, Log } from './ports.ts';
import type { Prompts } from './prompts.ts';
import type { Announcement, Way } from '../routing/plan.ts';

export interface PerformContext {
  readonly link: AsteriskLink;
  readonly app: string;
  readonly store: CallStore;
  readonly finisher: Finisher;
  readonly meter: Meter;
  readonly prompts: Prompts;
  /** False while another daemon may lead this Asterisk. */
  readonly mayAct: () => boolean;
  /** A call's first order goes out; what is returned is told whether Asterisk answered it. */
  readonly asked: () => (answered: boolean) => void;
}

/** One call's side of the shell, as `perform` needs it. */
export interface Performer {
  readonly call: Call;
  readonly log: Log;
  readonly post: (input: CallInput) => void;
  readonly setTimer: (timer: Extract<CallAction, { do: 'setTimer' }>['timer'], afterMs: number) => void;
  readonly clearTimer: (timer: Extract<CallAction, { do: 'clearTimer' }>['timer']) => void;
  readonly expectLeg: (legId: string) => void;
}

type OrderName = Extract<CallInput, { type: 'orderFailed' }>['order'];

/** So long from now Asterisk ends the channel by itself: nothing stays up if the engine is gone. */
const ABSOLUTE_TIMEOUT = 'TIMEOUT(absolute)';

/** Asterisk has something of this id. */
const EXISTS = 409;

/** Marks a leg of ours when it enters the application. */
export const LEG_ARGUMENT = 'leg';

function statusOf(error: unknown): number {
  return error instanceof AriError ? error.status : -1;
}

function order(context: PerformContext, one: Performer, name: OrderName, request: { readonly legId: string; readonly all: readonly AriRequest[] }): void {
  const told = name === 'createBridge' ? context.asked() : null;
  context.link.inOrder(request.all).then(
    () => {
      told?.(true);
      if (name === 'createBridge') one.post({ type: 'bridgeReady' });
    },
    (error: unknown) => {
      told?.(statusOf(error) > 0);
      // Its id is the call's own: whoever led the call before has made it.
      if (name === 'createBridge' && statusOf(error) === EXISTS) return one.post({ type: 'bridgeReady' });
      one.log.debug({ err: error, order: name }, 'Asterisk refused an order');
      one.post({ type: 'orderFailed', order: name, legId: request.legId, status: statusOf(error) });
    },
  );
}

/** Not worth a decision: what was to be ended is gone already, or goes with the connection. */
function orderEnd(context: PerformContext, one: Performer, request: AriRequest): void {
  context.link.request(request).catch((error: unknown) => {
    if (statusOf(error) !== 404) one.log.warn({ err: error }, 'Asterisk did not end what it was told to end');
  });
}

function wayAt(call: Call, index: number): Way {
  const way = call.plan.ways[index];
  if (way === undefined) throw new Error(`call ${call.id} has no way ${index}`);
  return way;
}

function dialStringOf({ endpoint, number, host }: Pick<Way, 'endpoint' | 'number' | 'host'>): DialString {
  if (number === null) return deviceDialString(endpoint);
  return host === null ? numberDialString(number, endpoint) : hostDialString(number, host, endpoint);
}

function legRequest(context: PerformContext, call: Call, { legId, way, target, limitS }: Extract<CallAction, { do: 'createLeg' }>): AriRequest {
  const whole = wayAt(call, way);
  const one = target === undefined ? undefined : whole.fork?.[target];
  const dialString = dialStringOf(one === undefined ? whole : { ...one, host: null });
  return createLeg({
    dialString,
    channelId: legId,
    app: context.app,
    appArgs: [LEG_ARGUMENT],
    originator: call.originator.channelId,
    variables: { [ABSOLUTE_TIMEOUT]: String(limitS) },
  });
}

function replacesCaller(way: Way): boolean {
  return way.callerIdNumber !== '' || way.callerIdName !== '';
}

/**
 * The caller's identity is replaced on his own channel, from which the bridge copies it to the leg; always name and
 * number. A way that shows the caller himself gets him back from one before it that did not.
 */
function identity(call: Call, way: Way): AriRequest[] {
  if (!call.plan.ways.some(replacesCaller)) return [];
  const number = way.callerIdNumber || call.originator.number;
  const name = replacesCaller(way) ? (way.callerIdName ?? call.originator.name) : call.originator.name;
  return [
    setVariable(call.originator.channelId, 'CALLERID(num)', number),
    setVariable(call.originator.channelId, 'CALLERID(name)', name),
  ];
}

function connect(context: PerformContext, one: Performer, legId: string, way: Way): void {
  const { call } = one;
  const caller = call.originator.channelId;
  const all = [...identity(call, way), addToBridge(call.id, [caller, legId]), dial(legId, way.ringTimeoutS, caller)];
  if (way.drawn !== undefined) context.store.numberUsed(way.drawn);
  order(context, one, 'connect', { legId, all });
}

function startLeg(context: PerformContext, one: Performer, action: Extract<CallAction, { do: 'createLeg' }>): void {
  const { legId } = action;
  one.expectLeg(legId);
  try {
    order(context, one, 'createLeg', { legId, all: [legRequest(context, one.call, action)] });
  } catch (error) {
    // A number or endpoint that cannot stand in a dial string: this way is of no use.
    one.log.warn({ err: error }, 'This way out cannot be dialled');
    queueMicrotask(() => one.post({ type: 'orderFailed', order: 'createLeg', legId, status: 0 }));
  }
}

function askStore(one: Performer, what: string, answered: Promise<CallInput>, failed: CallInput): void {
  answered.then(one.post, (error: unknown) => {
    one.log.error({ err: error }, `The store could not ${what}`);
    one.post(failed);
  });
}

/** Of the caller's channel. */
export function announcementId(channelId: string): string {
  return `announcement-${channelId}`;
}

function announce(context: PerformContext, one: Performer, { file, language }: Announcement): void {
  const { channelId } = one.call.originator;
  order(context, one, 'announce', { legId: '', all: [play(channelId, announcementId(channelId), [`sound:${file}`], language)] });
}

function tellMissed({ call, log }: Performer, why: 'failed' | 'too long'): void {
  const fields = { file: call.plan.announcement?.file };
  if (why === 'failed') log.warn(fields, 'The prompt before the call was not played: there is no such sound, or Asterisk refused it. The call goes on');
  else log.warn(fields, 'The prompt before the call lasts too long and is cut off. The call goes on');
}

async function admitted({ store, meter }: PerformContext, call: Call, request: AdmitRequest): Promise<CallInput> {
  const askedMs = monotonicMs();
  const given = await store.admit({ ...request, memo: encodeCall(call) });
  meter.admitted(monotonicMs() - askedMs);
  return given.kind === 'admitted' ? { type: 'admitted', answer: given } : { type: 'admissionRefused', cause: given.cause };
}

/** Refused with 41 (503) when the store cannot be asked. */
const STORE_AWAY = 41;

export function perform(context: PerformContext, one: Performer, action: CallAction): void {
  const { call } = one;
  switch (action.do) {
    case 'admit':
      return askStore(one, 'admit the call', admitted(context, call, action.request), { type: 'admissionRefused', cause: STORE_AWAY });
    case 'nextWay':
      return askStore(one, 'choose the next way', context.store.nextWay({ ...action.request, memo: encodePast(action.past) }).then((way): CallInput => ({ type: 'wayChosen', way })), { type: 'wayChosen', way: null });
    case 'extend':
      return askStore(one, 'hold more money', context.store.extend(action.request).then((answer): CallInput => ({ type: 'extended', ...answer })), { type: 'extended', held: [], left: [] });
    case 'finish':
      return context.finisher.finish(action.request);
    case 'record':
      return context.finisher.record(action.cdrs);
    case 'announce':
      return announce(context, one, action.announcement);
    case 'stopAnnouncement':
      return orderEnd(context, one, stopPlayback(announcementId(call.originator.channelId)));
    case 'tellMissed':
      return tellMissed(one, action.why);
    case 'createBridge':
      return order(context, one, 'createBridge', { legId: '', all: [createBridge(call.id)] });
    case 'createLeg':
      return startLeg(context, one, action);
    case 'limit':
      return orderEnd(context, one, setVariable(action.channelId, ABSOLUTE_TIMEOUT, action.afterS));
    case 'connect':
      return connect(context, one, action.legId, wayAt(call, action.way));
    case 'dial':
      return order(context, one, 'connect', { legId: action.legId, all: [...identity(call, wayAt(call, action.way)), dial(action.legId, wayAt(call, action.way).ringTimeoutS, call.originator.channelId)] });
    case 'ringCaller':
      return orderEnd(context, one, ring(call.originator.channelId));
    case 'join':
      return order(context, one, 'answer', { legId: action.legId, all: [addToBridge(call.id, [call.originator.channelId, action.legId])] });
    case 'answerCaller':
      return order(context, one, 'answer', { legId: '', all: [answer(call.originator.channelId)] });
    case 'playPrompt':
      return context.prompts.play(action.channelId, one.log);
    case 'stopPrompt':
      return context.prompts.stop(action.channelId);
    case 'hangUp':
      return orderEnd(context, one, hangup(action.channelId, action.q850));
    case 'destroyBridge':
      return orderEnd(context, one, destroyBridge(call.id));
    case 'setTimer':
      return one.setTimer(action.timer, action.afterMs);
    case 'clearTimer':
      return one.clearTimer(action.timer);
    case 'showLive':
      return context.store.updateLive(call.id, action.fields);
  }
}
