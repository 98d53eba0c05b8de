/**
 * A scripted Asterisk: channels, bridges and their events, orders by the same requests as the real one, an event log, and
 * people who call, answer, wait and hang up as chance has it. It keeps the truth about each call.
 */
import type { AriRequest, AsteriskEvent, AsteriskLink, LinkOptions } from '../../engine/asterisk/contract.ts';
import type { Witnessed, WitnessedChannels } from '../../engine/asterisk/witness.ts';
import type { Chance } from './chance.ts';
import type { Faults } from './faults.ts';
import { SimulatedLink } from './link.ts';
import { legFate, talkMs } from './people.ts';
import type { Caller } from './people.ts';
import type { Planned, Program, Time } from './time.ts';
import type { CallTruth, EndedBy, LegTruth } from './truth.ts';

interface Channel {
  readonly id: string;
  readonly name: string;
  readonly callerNumber: string;
  readonly extension: string;
  readonly kind: 'caller' | 'leg' | 'whisper';
  readonly truth: CallTruth | null;
  readonly leg: LegTruth | null;
  readonly caller: Caller | null;
  state: 'Down' | 'Ring' | 'Ringing' | 'Up';
  limit: Planned | null;
  /** What its people will do. */
  next: Planned | null;
}

interface LogLine {
  readonly atMs: number;
  readonly visibleAtMs: number;
  readonly line: Partial<Witnessed>;
}

export interface Answered {
  readonly status: number;
  readonly body: unknown;
}

export interface AsteriskParts {
  readonly id: number;
  readonly app: string;
  readonly time: Time;
  readonly chance: Chance;
  readonly faults: Faults;
  readonly onCall: (truth: CallTruth) => void;
}

const DONE: Answered = { status: 204, body: null };
const NOT_FOUND: Answered = { status: 404, body: null };
/** As there. */
const DISORDER_MS = 5000;
const UNKNOWN: Witnessed = { name: '', linkedId: '', startedMs: null, answeredMs: null, endedMs: null, cause: 0, endedBy: '', dialStatus: '' };

export class Asterisk {
  readonly id: number;
  readonly channels = new Map<string, Channel>();
  readonly links = new Set<SimulatedLink>();
  session: SimulatedLink | null = null;
  up = true;
  /** Callers who came while no engine was attached: the dialplan refuses them. */
  atClosedDoor = 0;
  readonly #parts: AsteriskParts;
  readonly #bridges = new Map<string, Set<string>>();
  #log = new Map<string, LogLine[]>();
  #startedMs: number;
  #count = 0;

  constructor(parts: AsteriskParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.#startedMs = this.stamp();
  }

  stamp(): number {
    return Math.floor(this.#parts.time.nowMs);
  }

  connect(options: LinkOptions, owner: Program): AsteriskLink {
    const { time, chance, faults } = this.#parts;
    const link = new SimulatedLink({ asterisk: this, options, owner, time, chance, faults });
    this.links.add(link);
    return link;
  }

  /** Yesterday's log says nothing any more. */
  forgetLog(): void {
    this.#log = new Map();
  }

  /** Somebody calls. */
  arrive(caller: Caller): void {
    if (!this.up || this.session === null) {
      this.atClosedDoor += 1;
      return;
    }
    const atMs = this.stamp();
    this.#count += 1;
    const id = `${Math.floor(atMs / 1000)}.${this.#count}`;
    const truth: CallTruth = { id: `${this.id}-${id}`, endpoint: caller.endpoint, dialled: caller.dialled, arrivedMs: atMs, answeredMs: null, endedMs: null, endedBy: null, legs: [], disturbed: false, unwitnessed: false };
    const channel = this.#add({ id, name: `PJSIP/${caller.endpoint}-${this.#count.toString(16).padStart(8, '0')}`, callerNumber: caller.number, extension: caller.dialled, kind: 'caller', truth, leg: null, caller, state: 'Ring', limit: null, next: null });
    this.#parts.onCall(truth);
    channel.next = this.#parts.time.in(caller.patienceMs, () => this.#end(channel, { cause: 127, techCause: 487 }, 'far end'));
    this.#emit({ type: 'stasisStart', at: atMs, channelId: id, channel: seen(channel, this.#parts.app), args: ['192.0.2.7:5060', '(ulaw)'] });
  }

  /** It dies, with all its calls and without a word, and comes back after a while. */
  restart(awayMs: number): void {
    this.up = false;
    const atMs = this.stamp();
    for (const channel of this.channels.values()) {
      this.#endTruth(channel, atMs, 'death');
      channel.next?.cancel();
      channel.limit?.cancel();
    }
    this.channels.clear();
    this.#bridges.clear();
    for (const link of this.links) link.broken('Asterisk is gone');
    this.#parts.time.in(awayMs, () => {
      this.up = true;
      this.#startedMs = this.stamp();
    });
  }

  /** As engine/asterisk/witness.ts reads the file: backwards, as far as it is told to. */
  readWitness(channelIds: ReadonlySet<string>, sinceMs: number): WitnessedChannels {
    const { nowMs } = this.#parts.time;
    const found = new Map<string, Witnessed>();
    for (const id of channelIds) {
      for (const { atMs, visibleAtMs, line } of this.#log.get(id) ?? []) if (visibleAtMs <= nowMs && atMs >= sinceMs - DISORDER_MS) found.set(id, { ...(found.get(id) ?? UNKNOWN), ...line });
    }
    return found;
  }

  handle(request: AriRequest): Answered {
    const answered = this.#handle(request);
    this.#parts.time.tell?.(request.path + JSON.stringify(request.query ?? {}), `${request.method}: ${answered.status}`);
    return answered;
  }

  #handle(request: AriRequest): Answered {
    const [, what = '', id = '', operation = ''] = request.path.split('/').map(decodeURIComponent);
    const query = request.query ?? {};
    if (what === 'bridges') return this.#bridge(request.method, id, operation, String(query['channel'] ?? ''));
    if (what === 'channels') return id === '' ? { status: 200, body: [...this.channels.values()].map((channel) => raw(channel, this.#parts.app)) } : this.#channel(request, id, operation);
    if (what === 'asterisk') return { status: 200, body: id === 'info' ? { status: { startup_time: new Date(this.#startedMs).toISOString() } } : { timestamp: new Date(this.stamp()).toISOString() } };
    return { status: 200, body: [] };
  }

  #bridge(method: string, id: string, operation: string, channels: string): Answered {
    if (operation === '') {
      if (method === 'POST') this.#bridges.set(id, new Set());
      else if (!this.#bridges.delete(id)) return NOT_FOUND;
      return DONE;
    }
    const bridge = this.#bridges.get(id);
    const ids = channels.split(',');
    if (bridge === undefined || ids.some((one) => !this.channels.has(one))) return NOT_FOUND;
    for (const one of ids) bridge.add(one);
    return DONE;
  }

  #channel({ method, query = {}, body }: AriRequest, id: string, operation: string): Answered {
    if (id === 'create') return this.#create(query, body);
    const channel = this.channels.get(id);
    if (channel === undefined) return NOT_FOUND;
    switch (operation) {
      case '':
        this.#end(channel, { cause: Number(query['reason_code'] ?? 16), techCause: null }, 'order');
        return DONE;
      case 'dial':
        return this.#dial(channel, Number(query['timeout']));
      case 'answer':
        this.#answered(channel);
        return DONE;
      case 'variable':
        if (method === 'GET') return { status: 200, body: { value: String(query['variable']).includes('addr') ? '192.0.2.7:5060' : '(ulaw)' } };
        if (query['variable'] === 'TIMEOUT(absolute)') this.#limit(channel, Number(query['value']));
        return DONE;
      case 'snoop':
        return DONE;
      default:
        return DONE;
    }
  }

  #create(query: NonNullable<AriRequest['query']>, body: unknown): Answered {
    const { time, chance } = this.#parts;
    const id = String(query['channelId']);
    if (this.channels.has(id)) return { status: 409, body: null };
    const caller = this.channels.get(String(query['originator']));
    if (caller === undefined) return { status: 400, body: null };
    const endpoint = String(query['endpoint']).replace(/^PJSIP\//, '').replace(/^[^@]*@/, '');
    const leg: LegTruth = { id, endpoint, dialledMs: null, rangMs: null, answeredMs: null, endedMs: null, endedBy: null };
    const { truth } = caller;
    truth?.legs.push(leg);
    this.#count += 1;
    const channel = this.#add({ id, name: `PJSIP/${endpoint}-${this.#count.toString(16).padStart(8, '0')}`, callerNumber: '', extension: '', kind: 'leg', truth, leg, caller: null, state: 'Down', limit: null, next: null });
    const limit = (body as { variables?: Record<string, string> } | undefined)?.variables?.['TIMEOUT(absolute)'];
    if (limit !== undefined) this.#limit(channel, Number(limit));
    time.in(chance.between(1, 15), () => {
      if (this.channels.get(id) === channel) this.#emit({ type: 'stasisStart', at: this.stamp(), channelId: id, channel: seen(channel, this.#parts.app), args: ['leg'] });
    });
    return { status: 200, body: raw(channel, this.#parts.app) };
  }

  #dial(channel: Channel, timeoutS: number): Answered {
    const { leg } = channel;
    if (leg === null || leg.dialledMs !== null) return { status: 409, body: null };
    const { time } = this.#parts;
    const fate = legFate(this.#parts.chance, leg.endpoint, channel.truth?.id ?? '');
    leg.dialledMs = this.stamp();
    this.#emit({ type: 'dial', at: leg.dialledMs, channelId: channel.id, status: '', codec: '' });
    const timeoutMs = timeoutS * 1000;
    const end = (): void => this.#end(channel, fate.end, 'far end');
    if (fate.ringAfterMs !== null) {
      const answerAfterMs = fate.answerAfterMs;
      channel.next = time.in(fate.ringAfterMs, () => {
        this.#rang(channel);
        const rest = timeoutMs - (fate.ringAfterMs ?? 0);
        if (answerAfterMs !== null && answerAfterMs < rest) channel.next = time.in(answerAfterMs, () => this.#legAnswered(channel));
        else channel.next = answerAfterMs === null && fate.endAfterMs < rest ? time.in(fate.endAfterMs, end) : time.in(rest, () => this.#end(channel, { cause: 19, techCause: null }, 'far end'));
      });
    } else channel.next = fate.endAfterMs < timeoutMs ? time.in(fate.endAfterMs, end) : time.in(timeoutMs, () => this.#end(channel, { cause: 18, techCause: 408 }, 'far end'));
    return DONE;
  }

  #rang(channel: Channel): void {
    const atMs = this.stamp();
    if (channel.leg !== null) channel.leg.rangMs = atMs;
    channel.state = 'Ringing';
    this.#emit({ type: 'stateChange', at: atMs, channelId: channel.id, state: 'Ringing', codec: '' });
    this.#emit({ type: 'dial', at: atMs, channelId: channel.id, status: 'RINGING', codec: '' });
    const caller = this.#callerOf(channel);
    const flashAfterMs = caller?.caller?.flashAfterMs ?? null;
    if (caller === undefined || flashAfterMs === null || caller.state === 'Up') return;
    caller.next?.cancel();
    caller.next = this.#parts.time.in(flashAfterMs, () => this.#end(caller, { cause: 127, techCause: 487 }, 'far end'));
  }

  #callerOf(leg: Channel): Channel | undefined {
    return leg.truth === null ? undefined : this.channels.get(leg.truth.id.slice(leg.truth.id.indexOf('-') + 1));
  }

  /** From here on one of the two ends it when all is said. */
  #legAnswered(channel: Channel): void {
    const { time, chance } = this.#parts;
    const atMs = this.stamp();
    channel.state = 'Up';
    if (channel.leg !== null) channel.leg.answeredMs = atMs;
    this.#write(channel, { answeredMs: atMs });
    this.#emit({ type: 'stateChange', at: atMs, channelId: channel.id, state: 'Up', codec: 'ulaw' });
    this.#emit({ type: 'dial', at: atMs, channelId: channel.id, status: 'ANSWER', codec: 'ulaw' });
    const byCaller = chance.oneIn(2);
    channel.next = time.in(talkMs(chance), () => {
      const caller = this.#callerOf(channel);
      if (byCaller && caller?.state === 'Up') this.#end(caller, { cause: 16, techCause: null }, 'far end');
      else this.#end(channel, { cause: 16, techCause: null }, 'far end');
    });
  }

  /** The caller, by order. */
  #answered(channel: Channel): void {
    if (channel.state === 'Up') return;
    channel.state = 'Up';
    channel.next?.cancel();
    const atMs = this.stamp();
    if (channel.truth !== null) channel.truth.answeredMs ??= atMs;
    this.#write(channel, { answeredMs: atMs });
    this.#emit({ type: 'stateChange', at: atMs, channelId: channel.id, state: 'Up', codec: 'ulaw' });
  }

  #limit(channel: Channel, seconds: number): void {
    channel.limit?.cancel();
    channel.limit = this.#parts.time.in(seconds * 1000, () => this.#end(channel, { cause: 16, techCause: null }, 'limit'));
  }

  #add(channel: Channel): Channel {
    this.channels.set(channel.id, channel);
    this.#write(channel, { startedMs: this.stamp() });
    return channel;
  }

  #end(channel: Channel, { cause, techCause }: { readonly cause: number; readonly techCause: number | null }, by: EndedBy): void {
    if (!this.channels.delete(channel.id)) return;
    channel.next?.cancel();
    channel.limit?.cancel();
    const atMs = this.stamp();
    this.#endTruth(channel, atMs, by);
    this.#write(channel, { endedMs: atMs, cause });
    this.#emit({ type: 'stasisEnd', at: atMs, channelId: channel.id });
    this.#emit({ type: 'destroyed', at: atMs, channelId: channel.id, cause, techCause, state: channel.state });
  }

  #endTruth({ leg, truth }: Channel, atMs: number, by: EndedBy): void {
    const ended = leg ?? truth;
    if (ended === null || ended.endedMs !== null) return;
    ended.endedMs = atMs;
    ended.endedBy = by;
    if (by === 'death' && truth !== null) truth.disturbed = true;
  }

  #write({ id: channelId, truth }: Channel, line: Partial<Witnessed>): void {
    const { time, chance, faults } = this.#parts;
    const atMs = this.stamp();
    const visibleAtMs = time.nowMs + chance.between(0, 900);
    if (faults.lostLogLine()) {
      if (truth !== null) truth.unwitnessed = true;
      return;
    }
    const lines = this.#log.get(channelId);
    if (lines === undefined) this.#log.set(channelId, [{ atMs, visibleAtMs, line }]);
    else lines.push({ atMs, visibleAtMs, line });
  }

  #emit(event: AsteriskEvent): void {
    const truth = this.channels.get(event.channelId)?.truth;
    const lost = this.session?.deliver(event) ?? true;
    this.#parts.time.tell?.(event.channelId, `${event.type}${'status' in event ? ` ${event.status}` : ''}${'state' in event ? ` ${event.state}` : ''}${lost ? ', told to nobody' : ''}`);
    if (lost && truth !== undefined && truth !== null) truth.disturbed = true;
  }
}

function raw(channel: Channel, app: string): unknown {
  return {
    id: channel.id, name: channel.name, state: channel.state, protocol_id: `${channel.id}@sim`,
    caller: { number: channel.callerNumber, name: '' },
    dialplan: { exten: channel.extension, context: 'tollgate', app_name: 'Stasis', app_data: channel.kind === 'leg' ? `${app},leg` : app },
  };
}

function seen(channel: Channel, app: string): Extract<AsteriskEvent, { type: 'stasisStart' }>['channel'] {
  return {
    id: channel.id, name: channel.name, endpoint: channel.name.slice(channel.name.indexOf('/') + 1, channel.name.lastIndexOf('-')), state: channel.state,
    callerNumber: channel.callerNumber, callerName: '', accountCode: '', extension: channel.extension, context: 'tollgate', application: app, sipCallId: `${channel.id}@sim`, codec: '',
  };
}
