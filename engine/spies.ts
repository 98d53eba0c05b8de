/**
 * Operators on the calls of one Asterisk. ChanSpy does it inside Asterisk, so that neither the call nor its engine has any
 * part in it: here it is ordered, and what Asterisk tells of it is written down. See docs/decisions/0015-spying.md.
 */
import type { AmiLink } from './asterisk/ami.ts';
import type { AmiMessage } from './asterisk/ami-protocol.ts';
import { isSpyThere, parseSpyEvent, startSpy, watchSpies } from './asterisk/chan-spy.ts';
import { contactOf } from './asterisk/contacts.ts';
import { contactDialString, deviceDialString } from './asterisk/dial-string.ts';
import { rest } from './clock.ts';
import type { DialString } from './asterisk/dial-string.ts';
import type { Log, SpyStore } from './ports.ts';
import type { Settings } from '../config/schema.ts';
import type { Catalog } from '../routing/catalog.ts';
import type { Parties } from '../routing/plan.ts';
import { decideSpy } from '../routing/spying.ts';
import type { SpySide, SpyVerdict } from '../routing/spying.ts';
import type { CommandAnswer } from '../store/redis/commands.ts';
import { NOT_REGISTERED } from '../store/redis/order-spy.ts';
import type { SpyMode, SpyRecord } from '../store/spy-record.ts';

/** A call that can be spied on. */
export interface Spied {
  readonly parties: Parties;
  readonly callerChannel: string;
  /** The leg that answered; null: none has. */
  readonly calleeChannel: string | null;
}

export interface SpyOrder {
  readonly callId: string;
  readonly device: string;
  /** '': the admin. */
  readonly as: string;
  readonly side: SpySide | null;
  /** Where the device is registered at another Asterisk; '': it is to be rung where it is registered here. */
  readonly contact: string;
  /** The account that gives the order. */
  readonly by: string;
}

export interface SpiesParts {
  readonly serverId: number;
  /** null: it has none. */
  readonly ami: AmiLink | null;
  readonly settings: Settings['spying'];
  readonly catalog: () => Catalog | null;
  /** null: there is no such call, or it is over. */
  readonly spied: (callId: string) => Spied | null;
  /** A device that can be rung here. */
  readonly reachable: (endpoint: string) => Promise<boolean>;
  readonly store: SpyStore;
  readonly mayAct: () => boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly newId: () => string;
  readonly log: Omit<Log, 'child'>;
}

const MODES: Readonly<Record<string, SpyMode>> = { 4: 'listen', 5: 'whisper', 6: 'barge' };
const COMPARE_MS = 10_000;
/** Asterisk makes the channel at some moment after it has taken the order. */
const COMING_MS = 5000;
/** Changes of the mode that are written down of one spy. */
const MOST_MODES = 1000;

const no = (reason: string): Extract<CommandAnswer, { done: false }> => ({ done: false, reason });
/** Of Asterisk's own dialling, for devices that this Asterisk is not told of: dialplan/pjsip.conf. */
const EXTERNAL = 'tollgate-external';

export class Spies {
  readonly #parts: SpiesParts;
  readonly #going = new Map<string, SpyRecord>();
  /** Orders that are being carried out. */
  #coming = 0;
  #watching = false;
  /** What another process began is known. */
  #remembered = false;
  #closed = false;

  constructor(parts: SpiesParts) {
    this.#parts = parts;
    if (parts.ami !== null) void this.#compareForever();
  }

  get active(): number {
    return this.#going.size;
  }

  close(): void {
    this.#closed = true;
  }

  /** Asterisk may have begun anew, and what happened meanwhile was told to nobody. */
  connected(): void {
    this.#watching = false;
    void this.#compare();
  }

  /** Done: Asterisk rings the device. */
  async order(order: SpyOrder): Promise<CommandAnswer> {
    this.#coming += 1;
    try {
      return await this.#start(order);
    } finally {
      this.#coming -= 1;
    }
  }

  async #start(order: SpyOrder): Promise<CommandAnswer> {
    const { ami, serverId, settings, reachable, mayAct } = this.#parts;
    if (!settings.enabled) return no('Spying is switched off: spying.enabled is false.');
    if (ami === null) return no(`Asterisk ${serverId} has no AMI: set its ami.url and ami.secret.`);
    const first = this.#permit(order);
    if (!first.may) return no(first.reason);
    if (!ami.connected) return no(`AMI of Asterisk ${serverId} is not connected: ${ami.problem}.`);
    if (this.#going.size + this.#coming > settings.mostAtOnce) return no(`There are ${this.#going.size} spies on Asterisk ${serverId} already: spying.mostAtOnce.`);
    if (order.contact === '' && !(await reachable(order.device))) return { ...no(`The device ${order.device} is not registered at Asterisk ${serverId}, where the call is.`), code: NOT_REGISTERED };
    if (!this.#watching) await watchSpies(ami, true);
    this.#watching = true;
    // The call may have ended meanwhile, and the lead been lost.
    const verdict = this.#permit(order);
    if (!verdict.may) return no(verdict.reason);
    if (!mayAct()) return no(`Another daemon leads Asterisk ${serverId} by now: try again.`);
    return this.#ring(ami, order, verdict);
  }

  #permit({ callId, as, device, side }: SpyOrder): Permitted | Extract<SpyVerdict, { may: false }> {
    const { catalog, spied } = this.#parts;
    const [known, call] = [catalog(), spied(callId)];
    if (known === null) return { may: false, reason: 'The daemon has not read its catalog yet: try again.' };
    if (call === null) return { may: false, reason: `There is no call ${callId}, or it is over.` };
    const verdict = decideSpy(known, { as, device, side, parties: call.parties });
    if (!verdict.may) return verdict;
    const channel = verdict.side === 'caller' ? call.callerChannel : call.calleeChannel;
    // Nobody can be heard before.
    if (call.calleeChannel === null || channel === null) return { may: false, reason: `The call ${callId} is not answered yet.` };
    return { ...verdict, channel, callerNumber: call.parties.src };
  }

  /** Where a device of ours is registered here, for the daemon of another Asterisk. */
  async contact(endpoint: string): Promise<CommandAnswer> {
    const { ami, serverId, catalog } = this.#parts;
    if (ami?.connected !== true || catalog()?.devicesByEndpoint.has(endpoint) !== true) return no(`The device ${endpoint} cannot be asked for at Asterisk ${serverId}.`);
    const contact = await contactOf(ami, endpoint);
    return contact === '' ? no(`The device ${endpoint} is not registered at Asterisk ${serverId}.`) : { done: true, fields: { contact } };
  }

  #dialString({ device: { endpoint, serverIds } }: Permitted, contact: string): DialString {
    if (contact === '') return deviceDialString(endpoint);
    return contactDialString(serverIds.length === 0 || serverIds.includes(this.#parts.serverId) ? endpoint : EXTERNAL, contact);
  }

  async #ring(ami: AmiLink, order: SpyOrder, permitted: Permitted): Promise<CommandAnswer> {
    const { serverId, now, newId, settings, log } = this.#parts;
    const { asker, side, channel, callerNumber } = permitted;
    const record: SpyRecord = {
      id: newId(), serverId, callId: order.callId, userId: asker.id, username: asker.username, orderedBy: order.by.slice(0, 100), device: order.device, side,
      orderedMs: now(), startedMs: null, endedMs: null, modes: [],
    };
    // Events may come before the answer.
    this.#keep(record);
    try {
      await startSpy(ami, { id: record.id, dialString: this.#dialString(permitted, order.contact), spied: channel, ringTimeoutS: settings.ringTimeoutS, callerNumber });
    } catch (error) {
      this.#end(record.id);
      log.warn({ err: error, callId: order.callId }, 'A spy could not be started');
      return no(`Asterisk ${serverId} did not ring the device: ${error instanceof Error ? error.message : String(error)}.`);
    }
    return { done: true, fields: { spy: record.id, device: order.device, side } };
  }

  receive(message: AmiMessage): void {
    const event = parseSpyEvent(message);
    const record = event === null ? undefined : this.#going.get(event.id);
    if (event === null || record === undefined) return;
    const atMs = this.#parts.now();
    switch (event.type) {
      case 'started':
        if (record.startedMs === null) this.#keep({ ...record, startedMs: atMs, modes: [{ mode: 'listen', atMs }] });
        return;
      case 'key': {
        const mode = MODES[event.key];
        const changes = mode !== undefined && record.startedMs !== null && record.modes.at(-1)?.mode !== mode && record.modes.length < MOST_MODES;
        if (changes) this.#keep({ ...record, modes: [...record.modes, { mode, atMs }] });
        return;
      }
      case 'ended':
        this.#end(event.id);
    }
  }

  #keep(record: SpyRecord): void {
    this.#going.set(record.id, record);
    this.#parts.store.save(record);
  }

  #end(id: string): void {
    const record = this.#going.get(id);
    if (record === undefined || this.#closed) return;
    this.#going.delete(id);
    this.#parts.store.save({ ...record, endedMs: Math.max(record.orderedMs, this.#parts.now()) });
    const { callId, username, device, startedMs, modes } = record;
    this.#parts.log.info({ callId, username, device, heard: startedMs !== null, modes: modes.map(({ mode }) => mode) }, 'Spy over');
  }

  async #compareForever(): Promise<void> {
    while (!this.#closed) {
      await rest(COMPARE_MS);
      await this.#compare();
    }
  }

  /** What is told of as going on, but is not, has ended; what another process began is gone on with. Never throws. */
  async #compare(): Promise<void> {
    const { ami, serverId, store, log, now } = this.#parts;
    if (ami === null || !ami.connected || this.#closed) return;
    try {
      if (!this.#remembered) for (const record of await store.standing(serverId)) if (!this.#going.has(record.id)) this.#going.set(record.id, record);
      this.#remembered = true;
      const wanted = this.#going.size + this.#coming > 0;
      if (wanted !== this.#watching) await watchSpies(ami, wanted);
      this.#watching = wanted;
      for (const { id, orderedMs } of this.#going.values()) {
        if (now() - orderedMs >= COMING_MS && !(await isSpyThere(ami, id))) this.#end(id);
      }
    } catch (error) {
      log.debug({ reason: String(error) }, 'Whether spies go on is not known');
    }
  }
}

type Permitted = Extract<SpyVerdict, { may: true }> & { readonly channel: string; readonly callerNumber: string };
