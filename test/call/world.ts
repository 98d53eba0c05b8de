/**
 * A small Asterisk, store and clock around one call, led by a tape of choices: channels that come late, fail, ring,
 * answer or end when they like; events told twice or out of order; timers that fire late; a store that refuses, runs
 * out of money or is away. It keeps the truth about every channel and every hold, so that the call can be audited.
 */
import { begin, decide } from '../../engine/call/decide.ts';
import type { PayerClaim } from '../../engine/call/admission.ts';
import type { Call, CallAction, CallInput, CallState, Gone, Moment, TimerName } from '../../engine/call/state.ts';

type ChannelState = 'ordered' | 'up' | 'dialled' | 'answered' | 'gone' | 'never';

/** Numbers that decide what happens next; 0 when the tape has run out. */
export class Tape {
  readonly #numbers: readonly number[];
  #at = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  below(limit: number): number {
    const value = this.#numbers[this.#at] ?? 0;
    this.#at += 1;
    return value % limit;
  }
}

/** What the call did, as far as an auditor wants to know. */
export interface Account {
  readonly ends: Extract<CallAction, { do: 'finish' | 'record' }>[];
  readonly violations: string[];
  /** By payer, in the order of the claims: what the store holds for this call. */
  held: readonly bigint[];
  claims: readonly PayerClaim[];
  answered: { readonly at: Moment; readonly way: number } | null;
  end: Moment | null;
  /** The engine's own timer ended the talk: it is over where its money is, whatever the wall clock did meanwhile. */
  cut: boolean;
  admitted: boolean;
}

export class World {
  readonly call: Call;
  readonly account: Account = { ends: [], violations: [], held: [], claims: [], answered: null, end: null, cut: false, admitted: false };
  readonly legs = new Map<string, ChannelState>();
  /** Called with what is held whenever the talking call learns of it. */
  onHeld: (held: readonly bigint[]) => void = () => undefined;
  callerUp = true;
  state: CallState;
  readonly #tape: Tape;
  readonly #funds: bigint;
  readonly #timers = new Map<TimerName, number>();
  #pending: CallInput[] = [];
  #prompts = 0;
  #wallMs: number;
  #monoMs: number;

  constructor(call: Call, tape: Tape, funds: bigint) {
    this.call = call;
    this.#tape = tape;
    this.#funds = funds;
    this.#wallMs = call.arrived.wallMs;
    this.#monoMs = call.arrived.monoMs;
    const { state, actions } = begin(call, {});
    this.state = state;
    for (const action of actions) this.#perform(action);
  }

  now(): Moment {
    return { wallMs: this.#wallMs, monoMs: this.#monoMs };
  }

  /** One thing happens. */
  step(): void {
    const legs = [...this.legs].filter(([, state]) => state !== 'gone' && state !== 'never');
    const kind = this.#tape.below(20);
    if (kind < 8) return this.#deliver();
    if (kind < 13) return this.#live(legs);
    if (kind < 17) return this.#pass(this.#tape.below(this.state.phase === 'talking' ? 30_000 : [300, 300, 8000][this.#tape.below(3)] ?? 300));
    if (kind === 17 && this.#tape.below(8) === 0) return this.#endCaller(this.#tape.below(2) === 0 ? 127 : 16);
    if (kind === 18 && this.#tape.below(10) === 0) return this.#take({ type: 'hangupOrdered' });
    if (kind === 19 && this.#tape.below(4) === 0) this.#wallMs += this.#tape.below(20_000) - 10_000;
  }

  /** Everything that is still under way arrives; then, if the caller stays, time goes on until the call is over. */
  drain(callerStays: boolean): void {
    for (let round = 0; round < 2000; round += 1) {
      for (const [legId, state] of this.legs) if (state === 'ordered') this.#cameUp(legId);
      while (this.#pending.length > 0) this.#take(this.#pending.shift());
      if (this.state.phase === 'over' && [...this.legs.values()].every((state) => state !== 'ordered') && this.#pending.length === 0) return;
      const due = [...this.#timers.values()];
      if (!callerStays || due.length === 0) this.#endCaller(16);
      else this.#pass(Math.max(0, Math.min(...due) - this.#monoMs) + 1);
    }
    this.account.violations.push('the call never ends');
  }

  /** Events come in any order, some twice. */
  #deliver(): void {
    if (this.#pending.length === 0) return;
    const [input] = this.#pending.splice(this.#tape.below(this.#pending.length), 1);
    const again = this.#tape.below(6) === 0 && input !== undefined && !isReply(input);
    if (again) this.#pending.push(input);
    this.#take(input);
  }

  #live(legs: readonly (readonly [string, ChannelState])[]): void {
    const chosen = legs[this.#tape.below(Math.max(1, legs.length))];
    if (chosen === undefined) return;
    const [legId, state] = chosen;
    if (state === 'ordered') return this.#created(legId);
    const what = this.#tape.below(12);
    if (what === 0 || (what === 1 && state === 'dialled')) return this.#endLeg(legId, [0, 1, 16, 17, 19, 34][this.#tape.below(6)] ?? 16, [null, 404, 486, 480, 503][this.#tape.below(5)] ?? null);
    if (state !== 'dialled') return;
    if (what < 5) this.#pending.push({ type: 'rang', legId });
    else {
      this.legs.set(legId, 'answered');
      this.#pending.push({ type: 'answered', legId, codec: '' });
    }
  }

  #created(legId: string): void {
    const how = this.#tape.below(12);
    if (how === 0) {
      this.legs.set(legId, 'never');
      this.#pending.push({ type: 'orderFailed', order: 'createLeg', legId, status: 500 });
      return;
    }
    if (how === 1) this.#pending.push({ type: 'orderFailed', order: 'createLeg', legId, status: 0 });
    this.#cameUp(legId);
  }

  #cameUp(legId: string): void {
    this.legs.set(legId, 'up');
    this.#pending.push({ type: 'legReady', legId, sipCallId: '' });
  }

  #gone(cause: number, techCause: number | null): Gone {
    return { moment: this.now(), cause, techCause, source: 'event' };
  }

  #endLeg(legId: string, cause: number, techCause: number | null): void {
    this.legs.set(legId, 'gone');
    this.#pending.push({ type: 'legGone', legId, gone: this.#gone(cause, techCause) });
  }

  #endCaller(cause: number): void {
    if (!this.callerUp) return;
    this.callerUp = false;
    this.#pending.push({ type: 'callerGone', gone: this.#gone(cause, cause === 127 ? 487 : null) });
  }

  /** Time goes by; timers that are due fire, late if the tape wants it. */
  #pass(ms: number): void {
    const untilMs = this.#monoMs + ms;
    for (;;) {
      const [next] = [...this.#timers].sort(([, a], [, b]) => a - b);
      if (next === undefined || next[1] > untilMs) break;
      const lateMs = this.#tape.below(4) === 0 ? this.#tape.below(3000) : 0;
      this.#clockTo(Math.max(this.#monoMs, next[1]) + lateMs);
      this.#timers.delete(next[0]);
      this.#take({ type: 'timerFired', timer: next[0] });
    }
    if (untilMs > this.#monoMs) this.#clockTo(untilMs);
  }

  #clockTo(monoMs: number): void {
    this.#wallMs += Math.round(monoMs - this.#monoMs);
    this.#monoMs = monoMs;
  }

  #take(input: CallInput | undefined): void {
    if (input === undefined) return;
    const before = this.state;
    const at = input.type === 'legGone' || input.type === 'callerGone' ? input.gone.moment : this.now();
    const { state, actions } = decide(this.call, before, input, at);
    this.state = state;
    if (before.phase === 'dialling' && state.phase === 'talking') {
      const { fork, legId } = before.attempt;
      const mine = fork === null ? [legId] : fork.open.map((leg) => leg.legId);
      if (input.type !== 'answered' || !mine.includes(input.legId)) this.account.violations.push(`talks because of ${input.type}`);
      this.account.answered = { at, way: before.attempt.way };
      this.onHeld(this.account.held);
    }
    if (before.phase === 'talking' && input.type === 'extended' && input.held.length > 0) this.onHeld(input.held);
    if (before.phase === 'over' && actions.some((action) => action.do !== 'hangUp')) this.account.violations.push(`orders after the end: ${actions.map((action) => action.do).join(', ')}`);
    if (before.phase !== 'over' && state.phase === 'over') {
      this.account.end = at;
      this.account.cut = input.type === 'timerFired' && input.timer === 'cut';
    }
    for (const action of actions) this.#perform(action);
  }

  #perform(action: CallAction): void {
    switch (action.do) {
      case 'admit':
        return this.#admit(action.request.payers);
      case 'nextWay':
        this.#pending.push({ type: 'wayChosen', way: this.#tape.below(8) === 0 ? null : this.#tape.below(action.request.ways.length) });
        return;
      case 'extend':
        return this.#extend(action.request.payers.map(({ want }) => want));
      case 'finish':
      case 'record':
        this.account.ends.push(action);
        return;
      case 'createBridge':
        this.#pending.push(this.#tape.below(40) === 7 ? { type: 'orderFailed', order: 'createBridge', legId: '', status: 500 } : { type: 'bridgeReady' });
        return;
      case 'createLeg':
        this.legs.set(action.legId, 'ordered');
        return;
      case 'connect':
      case 'dial':
        return this.#connect(action.legId);
      case 'answerCaller':
        if (this.state.phase !== 'talking') this.account.violations.push('the caller is answered outside of a talk');
        if (this.#tape.below(20) === 7) this.#pending.push({ type: 'orderFailed', order: 'answer', legId: '', status: 404 });
        return;
      case 'announce':
        return this.#announce();
      case 'playPrompt':
        return this.#prompt(action.channelId);
      case 'hangUp':
        return this.#hangUp(action.channelId);
      case 'setTimer':
        this.#timers.set(action.timer, this.#monoMs + action.afterMs);
        return;
      case 'clearTimer':
        this.#timers.delete(action.timer);
        return;
      case 'destroyBridge':
      case 'limit':
      case 'ringCaller':
      case 'join':
      case 'showLive':
      case 'stopPrompt':
      case 'stopAnnouncement':
      case 'tellMissed':
    }
  }

  #admit(claims: readonly PayerClaim[]): void {
    this.account.claims = claims;
    if (this.#tape.below(25) === 7) return void this.#pending.push({ type: 'admissionRefused', cause: 220 });
    const granted = claims.map(({ want }) => (want < this.#funds ? want : this.#funds));
    const short = claims.find(({ least }, index) => (granted[index] ?? 0n) < least);
    if (short !== undefined) return void this.#pending.push({ type: 'admissionRefused', cause: short.tooLow });
    this.account.held = granted;
    this.account.admitted = true;
    this.#pending.push({ type: 'admitted', answer: { kind: 'admitted', way: this.#tape.below(this.call.plan.ways.length), granted, left: this.#left(granted) } });
  }

  #extend(wants: readonly bigint[]): void {
    if (this.#tape.below(8) === 0) return void this.#pending.push({ type: 'extended', held: [], left: [] });
    this.account.held = this.account.held.map((held, index) => {
      const most = (wants[index] ?? 0n) < this.#funds ? (wants[index] ?? 0n) : this.#funds;
      return held > most ? held : most;
    });
    this.#pending.push({ type: 'extended', held: this.account.held, left: this.#left(this.account.held) });
  }

  #left(held: readonly bigint[]): readonly bigint[] {
    return held.map((amount) => this.#funds - amount);
  }

  #announce(): void {
    if (this.state.phase !== 'announcing' || this.legs.size > 0) this.account.violations.push('a prompt after something was dialled');
    const how = this.#tape.below(4);
    if (how === 0) this.#pending.push({ type: 'orderFailed', order: 'announce', legId: '', status: 404 });
    // Its end may be lost.
    if (how > 1) this.#pending.push({ type: 'announced', failed: how === 2 });
  }

  #prompt(channelId: string): void {
    this.#prompts += 1;
    const { state } = this;
    if (this.#prompts > 1) this.account.violations.push('the prompt is played twice');
    if (state.phase !== 'talking' || (channelId !== state.attempt.legId && channelId !== this.call.originator.channelId)) this.account.violations.push(`a prompt for ${channelId} in phase ${state.phase}`);
    if (this.call.settings.promptS === 0) this.account.violations.push('a prompt that nobody wants');
  }

  #connect(legId: string): void {
    const state = this.legs.get(legId);
    if (state !== 'up' || this.#tape.below(25) === 7) return void this.#pending.push({ type: 'orderFailed', order: 'connect', legId, status: state === 'up' ? 0 : 404 });
    this.legs.set(legId, 'dialled');
    this.#pending.push({ type: 'dialled', legId });
  }

  /** Of no effect on a channel that is not there (yet). */
  #hangUp(channelId: string): void {
    if (channelId === this.call.originator.channelId) return this.#endCaller(16);
    const state = this.legs.get(channelId);
    if (state === undefined) this.account.violations.push(`a channel is hung up that nobody created: ${channelId}`);
    if (state === 'up' || state === 'dialled' || state === 'answered') this.#endLeg(channelId, 16, null);
  }
}

/** A promise of the store is kept once. */
function isReply(input: CallInput): boolean {
  return input.type === 'admitted' || input.type === 'admissionRefused' || input.type === 'wayChosen' || input.type === 'extended';
}
