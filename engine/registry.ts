/**
 * All calls of one Asterisk: a mailbox each, found by the ids of their channels. One input at a time, decided and
 * carried out at once; a call that breaks an invariant ends loudly and harms no other.
 */
import { hangup } from './asterisk/commands.ts';
import { AriError } from './asterisk/contract.ts';
import type { AsteriskEvent, AsteriskLink } from './asterisk/contract.ts';
import type { AsteriskClock } from './clock.ts';
import { Timers } from './clock.ts';
import { begin, decide } from './call/decide.ts';
import type { Call, CallInput, CallState, Gone, Moment, Step, TimerName } from './call/state.ts';
import { announcementId, perform } from './perform.ts';
import { restoreRequest, standingOf } from './restore.ts';
import type { Standing } from '../store/stand-in.ts';
import type { RestoreRequest } from './call/admission.ts';
import type { Performer, PerformContext } from './perform.ts';
import type { LiveState } from './meter.ts';
import type { Log } from './ports.ts';
import type { Spied } from './spies.ts';
import { inputOf } from './inputs.ts';

/** A channel that left the application is destroyed within this time, or its end is made sure of. */
const LEFT_MS = 200;
/** What is left of a call after its end is looked at once more. */
const LINGER_MS = 30_000;

interface Mailbox {
  readonly call: Call;
  readonly timers: Timers<TimerName | 'linger' | `left:${string}`>;
  /** Channels that are up, or were asked for. */
  readonly channels: Set<string>;
  readonly performer: Performer;
  /** What the live view was told at the beginning. */
  readonly live: Readonly<Record<string, string>>;
  state: CallState;
}

/** A call's channels, and what the live view shows of it. */
export interface Known {
  readonly channelIds: readonly string[];
  readonly live: Readonly<Record<string, string>>;
}

export class Registry {
  readonly #context: PerformContext;
  readonly #clock: AsteriskClock;
  readonly #log: Log;
  readonly #byChannel = new Map<string, Mailbox>();
  readonly #calls = new Map<string, Mailbox>();
  #active = 0;
  #idle: (() => void)[] = [];
  /** What came while it was not sure who leads. */
  #held: (() => void)[] = [];
  #stopped = false;

  constructor(context: PerformContext, clock: AsteriskClock, log: Log) {
    this.#context = context;
    this.#clock = clock;
    this.#log = log;
  }

  get link(): AsteriskLink {
    return this.#context.link;
  }

  /** Calls that are not over. */
  get active(): number {
    return this.#active;
  }

  /** Ids of the channels that belong to calls of ours, live or just ended. */
  knows(channelId: string): boolean {
    return this.#byChannel.has(channelId);
  }

  channelIds(): readonly string[] {
    return [...this.#byChannel.keys()];
  }

  /** A planned call enters. */
  start(call: Call, live: Readonly<Record<string, string>>): void {
    this.#enter(call, { channelIds: [call.originator.channelId], live }, begin(call, live));
  }

  #enter(call: Call, { channelIds, live }: Known, step: Step): void {
    const mailbox = this.#mailbox(call, live);
    this.#calls.set(call.id, mailbox);
    for (const channelId of channelIds) mailbox.performer.expectLeg(channelId);
    this.#active += 1;
    this.#take(mailbox, step);
  }

  /** An event of a channel; false when no call of ours has it. */
  receive(event: Exclude<AsteriskEvent, { type: 'playbackFinished' }>, at: Moment): boolean {
    const mailbox = this.#byChannel.get(event.channelId);
    if (mailbox === undefined) return false;
    const input = inputOf(mailbox.call, event, at);
    if (input !== null) this.#post(mailbox, input, at);
    if (event.type === 'destroyed') this.#channelGone(mailbox, event.channelId);
    if (event.type === 'stasisEnd') this.#channelLeft(mailbox, event.channelId, at);
    return true;
  }

  /** A prompt before a call has ended; false when it is none of a call of ours. */
  announced({ channelId, playbackId, failed }: Extract<AsteriskEvent, { type: 'playbackFinished' }>): boolean {
    const mailbox = this.#byChannel.get(channelId);
    if (mailbox === undefined || playbackId !== announcementId(channelId)) return false;
    this.#post(mailbox, { type: 'announced', failed }, this.#clock.now());
    return true;
  }

  /** The end of a channel that no event told: found missing after a reconnection. */
  lost(channelId: string, gone: Gone): void {
    const mailbox = this.#byChannel.get(channelId);
    if (mailbox !== undefined) this.#ended(mailbox, channelId, gone);
  }

  /** A leg's answer that may have been told while nobody listened. */
  answered(channelId: string, at: Moment, codec: string): void {
    const mailbox = this.#byChannel.get(channelId);
    if (mailbox !== undefined && channelId !== mailbox.call.originator.channelId) this.#post(mailbox, { type: 'answered', legId: channelId, codec, at }, this.#clock.now());
  }

  /** True for a call that is up, or just ended, in this process. */
  leads(callId: string): boolean {
    return this.#calls.has(callId);
  }

  /** A call that another process led. */
  resume(call: Call, step: Step, known: Known): void {
    this.#enter(call, known, step);
  }

  #ended(mailbox: Mailbox, channelId: string, gone: Gone): void {
    const own = channelId === mailbox.call.originator.channelId;
    this.#post(mailbox, own ? { type: 'callerGone', gone } : { type: 'legGone', legId: channelId, gone }, this.#clock.now());
    this.#channelGone(mailbox, channelId);
  }

  /** null: there is none, or it is over. */
  spied(callId: string): Spied | null {
    const mailbox = this.#calls.get(callId);
    if (mailbox === undefined || mailbox.state.phase === 'over') return null;
    const { call, state } = mailbox;
    return { parties: call.plan.parties, callerChannel: call.originator.channelId, calleeChannel: state.phase === 'talking' ? state.attempt.legId : null };
  }

  hangUp(callId: string): boolean {
    const mailbox = this.#calls.get(callId);
    if (mailbox === undefined || mailbox.state.phase === 'over') return false;
    this.#post(mailbox, { type: 'hangupOrdered' }, this.#clock.now());
    return true;
  }

  /** All calls that hold something, as the store must know them. */
  held(): readonly RestoreRequest[] {
    return [...this.#calls.values()].flatMap(({ call, live, state }) => restoreRequest(call, live, state) ?? []);
  }

  /** The same, without what only a takeover needs. */
  standing(): readonly Standing[] {
    return [...this.#calls.values()].flatMap(({ call, state }) => standingOf(call, state) ?? []);
  }

  /** Counted when somebody asks. */
  figures(): { readonly calls: Readonly<Record<LiveState, number>>; readonly reservations: number } {
    const calls: Record<LiveState, number> = { admitting: 0, announcing: 0, dialling: 0, ringing: 0, answered: 0 };
    let reservations = 0;
    for (const { state } of this.#calls.values()) {
      const live = liveState(state);
      if (live === null) continue;
      calls[live] += 1;
      if ('granted' in state) reservations += state.granted.length;
    }
    return { calls, reservations };
  }

  /** Resolves when no call is in progress any more. */
  drained(): Promise<void> {
    if (this.active === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
    });
  }

  /** It is sure again that this daemon leads. */
  goOn(): void {
    for (const post of this.#held.splice(0)) post();
  }

  /** Calls stay as they are; whatever comes later changes nothing here. */
  stop(): void {
    this.#stopped = true;
    this.#held = [];
    for (const mailbox of this.#calls.values()) mailbox.timers.clearAll();
  }

  #post(mailbox: Mailbox, input: CallInput, at: Moment): void {
    if (this.#stopped) return;
    if (!this.#context.mayAct()) {
      this.#held.push(() => this.#post(mailbox, input, at));
      return;
    }
    try {
      this.#take(mailbox, decide(mailbox.call, mailbox.state, input, at));
    } catch (error) {
      mailbox.performer.log.error({ err: error, input: input.type, phase: mailbox.state.phase }, 'A call broke an invariant and is ended');
      for (const channelId of mailbox.channels) this.#hangUpChannel(mailbox, channelId);
    }
  }

  #take(mailbox: Mailbox, step: Step): void {
    const before = mailbox.state.phase;
    mailbox.state = step.state;
    if (before !== step.state.phase) this.#log.debug({ callId: mailbox.call.id, phase: step.state.phase }, 'Call state');
    for (const action of step.actions) perform(this.#context, mailbox.performer, action);
    if (step.state.phase === 'over' && before !== 'over') this.#over(mailbox, step);
  }

  #mailbox(call: Call, live: Known['live']): Mailbox {
    let log: Log | null = null;
    // Made when there is something to tell: most calls tell nothing but their end.
    const ownLog = (): Log => (log ??= this.#log.child({ callId: call.id, userId: payerOf(call) }));
    const timers: Mailbox['timers'] = new Timers();
    const channels = new Set([call.originator.channelId]);
    const post = (input: CallInput): void => this.#post(mailbox, input, this.#clock.now());
    const performer: Performer = {
      call,
      get log() {
        return ownLog();
      },
      post,
      setTimer: (timer, afterMs) => timers.set(timer, afterMs, () => post({ type: 'timerFired', timer })),
      clearTimer: (timer) => timers.clear(timer),
      expectLeg: (legId) => {
        channels.add(legId);
        this.#byChannel.set(legId, mailbox);
      },
    };
    const mailbox: Mailbox = { call, timers, channels, performer, live, state: { phase: 'admitting', ended: null } };
    return mailbox;
  }

  #over(mailbox: Mailbox, step: Step): void {
    this.#active -= 1;
    this.#log.info({ callId: mailbox.call.id, userId: payerOf(mailbox.call), ...endOf(step) }, 'Call over');
    mailbox.timers.set('linger', LINGER_MS, () => {
      for (const channelId of mailbox.channels) this.#hangUpChannel(mailbox, channelId);
      this.#forget(mailbox);
    });
    if (this.active === 0) for (const resolve of this.#idle.splice(0)) resolve();
    this.#forgetWhenGone(mailbox);
  }

  #channelGone(mailbox: Mailbox, channelId: string): void {
    mailbox.channels.delete(channelId);
    mailbox.timers.clear(`left:${channelId}`);
    this.#byChannel.delete(channelId);
    this.#forgetWhenGone(mailbox);
  }

  /** Asterisk tells of the end of a channel that was in a bridge. Of a caller who cancels sooner, nothing comes after this. */
  #channelLeft(mailbox: Mailbox, channelId: string, at: Moment): void {
    const gone = (): void => this.#ended(mailbox, channelId, { moment: at, cause: 16, techCause: null, source: 'event' });
    mailbox.timers.set(`left:${channelId}`, LEFT_MS, () => {
      this.#context.link.request(hangup(channelId, 16)).then(gone, (error: unknown) => {
        if (error instanceof AriError && error.status === 404) gone();
        else mailbox.performer.log.warn({ err: error, channelId }, 'A channel that left the application could not be ended');
      });
    });
  }

  #hangUpChannel(mailbox: Mailbox, channelId: string): void {
    this.#context.link.request(hangup(channelId, 16)).catch((error: unknown) => mailbox.performer.log.debug({ err: error, channelId }, 'A channel to be ended is gone'));
  }

  #forgetWhenGone(mailbox: Mailbox): void {
    if (mailbox.state.phase === 'over' && mailbox.channels.size === 0) this.#forget(mailbox);
  }

  #forget(mailbox: Mailbox): void {
    mailbox.timers.clearAll();
    for (const channelId of mailbox.channels) this.#byChannel.delete(channelId);
    this.#calls.delete(mailbox.call.id);
  }
}

function payerOf(call: Call): number | null {
  return call.plan.parties.userId ?? call.plan.parties.dstUserId;
}

/** null: it is over. */
function liveState(state: CallState): LiveState | null {
  switch (state.phase) {
    case 'admitting':
    case 'announcing':
      return state.phase;
    case 'dialling':
      return state.attempt.rang === null ? 'dialling' : 'ringing';
    case 'choosing':
      return 'dialling';
    case 'talking':
      return 'answered';
    case 'over':
      return null;
  }
}

/** What the last row of a call says of its end, for the log. */
function endOf(step: Step): object {
  const rows = step.actions.flatMap((action) => (action.do === 'finish' ? action.request.cdrs : action.do === 'record' ? action.cdrs : []));
  const last = rows.at(-1);
  return last === undefined ? {} : { disposition: last.disposition, cause: last.hangupCause, billsec: last.billsec };
}
