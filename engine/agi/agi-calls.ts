/**
 * Calls of one Asterisk that its dialplan leads: asked for before Dial(), told of after it. Between the two nothing happens
 * here. Each stands in Redis as every other call does; what is known here is what a lost Redis is told again.
 */
import { begin, decide } from '../call/decide.ts';
import type { AdmitRequest, Cdr, FinishRequest, OpenCall, RestoreRequest } from '../call/admission.ts';
import { afterDial, dialledOf, ended } from '../call/dialled.ts';
import type { Dialled, DialledCall, Told } from '../call/dialled.ts';
import { payersOf } from '../call/money.ts';
import type { ArrivedCall, Call, CallSettings, Gone, Moment, Step } from '../call/state.ts';
import type { Channel } from '../asterisk/contract.ts';
import type { AsteriskClock } from '../clock.ts';
import { rest } from '../clock.ts';
import type { Finisher } from '../finisher.ts';
import { decodePast, encodeCall, encodePast } from '../memo.ts';
import type { CallStore, Log } from '../ports.ts';
import { holdingsOf, restoring } from '../restore.ts';
import type { Plan } from '../../routing/plan.ts';
import type { Standing } from '../../store/stand-in.ts';
import { allowed, nextWay, noWay, refused } from './answer.ts';
import type { Variables } from './answer.ts';

/** What routing says of an arrived call; a refusal with its CDR, if it has one. */
export type Judged = { readonly plan: Plan; readonly live: Readonly<Record<string, string>> } | { readonly cause: number; readonly row: Cdr | null };

export interface AgiCallsParts {
  readonly settings: CallSettings;
  readonly store: CallStore;
  readonly finisher: Finisher;
  readonly clock: AsteriskClock;
  readonly log: Log;
  /** False while another daemon may lead this Asterisk. */
  readonly mayAct: () => boolean;
  readonly judge: (channel: Channel, arrived: ArrivedCall) => Judged;
}

/** Marks such a call among those of the store. */
const DOOR = { door: 'agi' } as const;
const NOT_SERVING = 41;
/** Calls that an earlier process knew are known here soon after the start. */
const KNOWN_WAIT_MS = 5000;

/** Nobody extends such a call: what is held at first is all there is. */
function frozen(settings: CallSettings): CallSettings {
  return { ...settings, reservation: 'frozen' };
}

export function isDialled(open: OpenCall): boolean {
  return open.fields['door'] === DOOR.door;
}

export class AgiCalls {
  readonly #parts: AgiCallsParts;
  readonly #calls = new Map<string, DialledCall>();
  /** The last thing asked about a call; the next one waits for it. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #known: Promise<void>;
  #allKnown: () => void = () => undefined;
  #idle: (() => void)[] = [];

  constructor(parts: AgiCallsParts) {
    this.#parts = parts;
    this.#known = new Promise((resolve) => {
      this.#allKnown = resolve;
    });
  }

  get active(): number {
    return this.#calls.size;
  }

  get clock(): AsteriskClock {
    return this.#parts.clock;
  }

  leads(callId: string): boolean {
    return this.#calls.has(callId);
  }

  /** The caller's channel; null: it is none of these calls. */
  channelOf(callId: string): string | null {
    return this.#calls.get(callId)?.call.originator.channelId ?? null;
  }

  /** Those that nobody asks about at this moment. */
  standing(): readonly DialledCall[] {
    return [...this.#calls.values()].filter(({ call }) => !this.#turns.has(call.id));
  }

  held(): readonly RestoreRequest[] {
    return [...this.#calls.values()].map((one) => restoring(one.call, one, { live: one.live, memo: encodeCall(one.call, one.past) }));
  }

  holdings(): readonly Standing[] {
    return [...this.#calls.values()].map((one) => holdingsOf(one.call, one));
  }

  /** Resolves when no such call is up. */
  drained(): Promise<void> {
    if (this.#calls.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
    });
  }

  /** A call that an earlier process admitted. */
  adopt(call: Call, open: OpenCall): void {
    const { clock } = this.#parts;
    // Its admission is just being answered.
    if (this.#turns.has(call.id) || this.#calls.has(call.id)) return;
    const at = (field: string): Moment | null => (Number(open.fields[field]) > 0 ? clock.moment(Number(open.fields[field])) : null);
    const granted = payersOf(call).map((payer) => open.held.get(payer.userId) ?? 0n);
    this.#calls.set(call.id, { call, granted, way: open.way, past: decodePast(open), started: at('dialled') ?? call.arrived, answered: at('answered'), live: open.fields });
  }

  /** Every call that stands in the store is known. */
  adopted(): void {
    this.#allKnown();
  }

  authorize(channel: Channel, arrived: ArrivedCall): Promise<Variables> {
    return this.#inTurn(arrived.id, async () => {
      const before = this.#calls.get(arrived.id);
      if (before !== undefined) return allowed(before, this.#parts.clock.now());
      if (!this.#parts.mayAct()) return refused(NOT_SERVING);
      const judged = this.#parts.judge(channel, arrived);
      if ('cause' in judged) {
        if (judged.row !== null) this.#parts.finisher.record([judged.row]);
        return refused(judged.cause);
      }
      return this.#admit({ ...arrived, plan: judged.plan, settings: frozen(this.#parts.settings) }, { ...judged.live, ...DOOR });
    });
  }

  async #admit(call: Call, live: Readonly<Record<string, string>>): Promise<Variables> {
    const { store, clock, finisher, log } = this.#parts;
    const request = begin(call, live).actions.find((action) => action.do === 'admit')?.request as AdmitRequest;
    const answer = await store.admit({ ...request, memo: encodeCall(call) }).catch((error: unknown) => {
      log.error({ err: error, callId: call.id }, 'The store could not admit the call');
      return { kind: 'refused', cause: NOT_SERVING } as const;
    });
    const now = clock.now();
    if (answer.kind === 'refused') {
      for (const action of decide(call, { phase: 'admitting', ended: null }, { type: 'admissionRefused', cause: answer.cause }, now).actions) if (action.do === 'record') finisher.record(action.cdrs);
      log.info({ callId: call.id, userId: call.plan.parties.userId, cause: answer.cause }, 'Call refused');
      return refused(answer.cause);
    }
    const one: DialledCall = { call, granted: answer.granted, way: answer.way, past: [], started: now, answered: null, live };
    this.#calls.set(call.id, one);
    this.#drawn(one);
    return allowed(one, now);
  }

  /** A way has failed: the next one with room. */
  next(callId: string, tell: (one: DialledCall) => Told): Promise<Variables> {
    const now = this.#parts.clock.now();
    return this.#inTurn(callId, async () => {
      const one = await this.#find(callId);
      if (one === undefined) return noWay(NOT_SERVING);
      const step = this.#after(one, tell(one), now);
      const chosen = step.actions.find((action) => action.do === 'nextWay');
      const way = chosen === undefined ? null : await this.#take({ ...chosen.request, live: { ...chosen.request.live, dialled: String(now.wallMs) }, memo: encodePast(chosen.past) });
      if (chosen === undefined || way === null) return noWay(this.#end(one, ended(one, step, now)));
      const next: DialledCall = { ...one, way: chosen.request.from + way, past: chosen.past, started: this.#parts.clock.now() };
      this.#calls.set(callId, next);
      this.#drawn(next);
      return nextWay(next, next.started);
    });
  }

  /** The dialplan has its variables: now it dials. */
  told(callId: string): void {
    const one = this.#calls.get(callId);
    if (one !== undefined) this.#calls.set(callId, { ...one, started: this.#parts.clock.now() });
  }

  async #take(request: Parameters<CallStore['nextWay']>[0]): Promise<number | null> {
    return this.#parts.store.nextWay(request).catch((error: unknown) => {
      this.#parts.log.error({ err: error, callId: request.callId }, 'The store could not choose the next way');
      return null;
    });
  }

  /** The dialplan tells how it ended. Of a call that is over already nothing changes. */
  finish(callId: string, tell: (one: DialledCall) => Told): Promise<void> {
    const now = this.#parts.clock.now();
    return this.#inTurn(callId, async () => {
      const one = await this.#find(callId);
      if (one === undefined) return;
      this.#end(one, ended(one, this.#after(one, tell(one), now), now));
    });
  }

  /** Its channel is there no more, and no dialplan has told of its end. */
  close(one: DialledCall, dialled: Dialled | null, gone: Gone): void {
    // Told meanwhile.
    if (this.#calls.get(one.call.id) !== one || this.#turns.has(one.call.id)) return;
    this.#parts.log.warn({ callId: one.call.id }, 'The dialplan did not tell how a call ended; it is closed by what Asterisk has seen');
    this.#end(one, ended(one, afterDial(one, dialled, gone), gone.moment));
  }

  /** For the live view, and for its end if nobody else tells of it. */
  seenUp(one: DialledCall): void {
    const { id } = one.call;
    if (one.answered !== null || this.#calls.get(id) !== one) return;
    const answered = this.#parts.clock.now();
    const fields = { state: 'answered', answered: String(answered.wallMs) };
    this.#calls.set(id, { ...one, answered, live: { ...one.live, ...fields } });
    this.#parts.store.updateLive(id, fields);
  }

  #after(one: DialledCall, told: Told, now: Moment): Step {
    return afterDial(one, dialledOf(one, told, now), { moment: now, cause: 16, techCause: null, source: 'event' });
  }

  #drawn({ call, way }: DialledCall): void {
    const drawn = call.plan.ways[way]?.drawn;
    if (drawn !== undefined) this.#parts.store.numberUsed(drawn);
  }

  /** Its last row's hangup cause. */
  #end(one: DialledCall, request: FinishRequest): number {
    this.#parts.finisher.finish(request);
    this.#calls.delete(one.call.id);
    const last = request.cdrs.at(-1);
    this.#parts.log.info({ callId: one.call.id, userId: one.call.plan.parties.userId, disposition: last?.disposition, cause: last?.hangupCause, billsec: last?.billsec }, 'Call over');
    if (this.#calls.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    return last?.hangupCause ?? NOT_SERVING;
  }

  async #find(callId: string): Promise<DialledCall | undefined> {
    if (!this.#calls.has(callId)) await Promise.race([this.#known, rest(KNOWN_WAIT_MS)]);
    const one = this.#calls.get(callId);
    if (one === undefined) this.#parts.log.debug({ callId }, 'The dialplan tells of a call that is over, or was never admitted');
    return one;
  }

  async #inTurn<T>(callId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(callId) ?? Promise.resolve();
    const turn = before.then(work, work);
    this.#turns.set(callId, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(callId) === turn) this.#turns.delete(callId);
    }
  }
}
