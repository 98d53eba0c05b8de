/**
 * One Asterisk: its connection, its devices and providers, its calls.
 */
import { randomUUID } from 'node:crypto';
import { AgiCalls } from './agi/agi-calls.ts';
import type { Judged } from './agi/agi-calls.ts';
import { connectAmi } from './asterisk/ami.ts';
import type { AmiLink } from './asterisk/ami.ts';
import { REPLACED } from './asterisk/connect.ts';
import { guarded } from './asterisk/guarded.ts';
import type { AsteriskEvent, AsteriskLink, Channel, LinkOptions } from './asterisk/contract.ts';
import { hangup } from './asterisk/commands.ts';
import { endpointState } from './asterisk/queries.ts';
import { arrivedAnew, arrivedCall, callerOnly, decideRoute, liveFields } from './arrive.ts';
import { AsteriskClock, BEAT_MS, monotonicMs, pause, rest } from './clock.ts';
import { refusedCdr } from './call/cdr.ts';
import type { ArrivedCall, CallSettings, Moment } from './call/state.ts';
import { Door } from './door.ts';
import type { OverloadHealth } from './door.ts';
import type { Finisher } from './finisher.ts';
import type { CallFigures, Meter } from './meter.ts';
import { LEG_ARGUMENT } from './perform.ts';
import { PeriodicCheck } from './periodic-check.ts';
import type { CallStore, Log } from './ports.ts';
import { Prompts } from './prompts.ts';
import { provision } from './provision.ts';
import type { Provisioner } from './provision.ts';
import { Registry } from './registry.ts';
import { callSettings, routingSettings } from './settings-of.ts';
import { Spies } from './spies.ts';
import type { SpyOrder } from './spies.ts';
import type { CommandAnswer } from '../store/redis/commands.ts';
import { takeOver } from './takeover.ts';
import type { Before, Early, ReadWitness } from './takeover.ts';
import type { Catalog } from '../routing/catalog.ts';
import type { AsteriskSettings, Settings } from '../config/schema.ts';
import type { Money } from '../rating/money.ts';
import { hangupCause } from '../routing/hangup-causes.ts';
import type { RoutingSettings } from '../routing/plan.ts';

/** How an Asterisk and its event log are reached. */
export interface AsteriskDoor {
  readonly connect: (options: LinkOptions) => AsteriskLink;
  readonly readWitness: ReadWitness;
}

export interface ServerParts {
  readonly door: AsteriskDoor;
  readonly asterisk: AsteriskSettings;
  readonly settings: Settings;
  readonly store: CallStore;
  readonly finisher: Finisher;
  readonly meter: Meter;
  readonly log: Log;
  readonly random: () => number;
  /** False while another daemon may lead this Asterisk: then nothing is ordered, and nothing decided. */
  readonly mayAct: () => boolean;
  /** Another session of the application has begun. */
  readonly onReplaced: () => void;
}

/** 41, "temporary failure": there is no catalog yet, or the engine is going down. */
const NOT_SERVING = 41;
const NORMAL_CLEARING = 16;
const STRANGER = 200;
const SWITCH_FULL = 208;
const RECONCILE_AGAIN_MS = 1000;
/** Callers whom a dead process left waiting wait so long for the first catalog. */
const CATALOG_WAIT_MS = 5000;

export class AsteriskServer {
  readonly #parts: ServerParts;
  readonly #clock = new AsteriskClock();
  readonly #beats = setInterval(() => this.#clock.beat(), BEAT_MS).unref();
  readonly #registry: Registry;
  /** Calls that their dialplan leads. */
  readonly agi: AgiCalls;
  readonly #provisioner: Provisioner;
  readonly #periodicCheck: PeriodicCheck;
  readonly #ami: AmiLink | null;
  readonly #spies: Spies;
  readonly #link: AsteriskLink;
  readonly #prompts: Prompts;
  readonly #door: Door;
  readonly #routing: RoutingSettings;
  readonly #calls: CallSettings;
  readonly #balanceOf: (userId: number) => Money | undefined;
  #draining = false;
  #stopped = false;
  #restoring = false;
  /** What came while it was not sure who leads: a caller must not wait for an order that nobody may give. */
  readonly #heldEvents: Early[] = [];
  /** When the connection was lost last. */
  #lostAt: Moment | null = null;
  #firstCatalog: () => void = () => undefined;
  /** When calls and channels were compared last. */
  #comparedAt: Moment | null = null;
  /** Connections so far. */
  #connection = 0;
  /** Events of channels that no call knows yet, while calls are taken over. */
  #early: Early[] | null = null;

  constructor(parts: ServerParts) {
    this.#parts = parts;
    const { settings, asterisk, log } = parts;
    this.#routing = routingSettings(settings);
    this.#calls = callSettings(settings);
    this.#balanceOf = (userId) => parts.store.balance(userId);
    this.#link = guarded(parts.door.connect({
      url: asterisk.url,
      username: asterisk.username,
      password: asterisk.password,
      app: settings.app,
      transport: asterisk.transport,
      requestTimeoutMs: settings.reconnect.requestTimeoutMs,
      reconnectMinMs: settings.reconnect.minMs,
      reconnectMaxMs: settings.reconnect.maxMs,
      healthIntervalMs: settings.reconnect.pingEveryMs,
      healthTimeoutMs: settings.reconnect.pingTimeoutMs,
      onEvent: (event) => this.#receive(event),
      onConnected: () => this.#connected(),
      onDisconnected: (reason) => {
        log.warn({ reason }, 'Asterisk is away');
        this.#lostAt = this.#clock.now();
        if (reason === REPLACED) parts.onReplaced();
      },
      log,
    }), parts.mayAct);
    this.#prompts = new Prompts({ link: this.#link, app: settings.app, media: settings.calls.promptMedia });
    this.#door = new Door({ settings: settings.overload, address: { url: asterisk.url, username: asterisk.username, password: asterisk.password, timeoutMs: settings.reconnect.requestTimeoutMs }, mayAct: parts.mayAct, clock: this.#clock, log });
    this.#registry = new Registry({ link: this.#link, app: settings.app, prompts: this.#prompts, store: parts.store, finisher: parts.finisher, meter: parts.meter, mayAct: parts.mayAct, asked: () => this.#door.asked() }, this.#clock, log);
    this.agi = new AgiCalls({
      settings: this.#calls, store: parts.store, finisher: parts.finisher, clock: this.#clock, mayAct: parts.mayAct, log,
      judge: (channel, arrived) => this.#judge(channel, arrived),
    });
    this.#provisioner = provision({ link: this.#link, desired: () => this.#accounts(), onPushed: (endpoint) => this.#periodicCheck.pushed(endpoint), log });
    this.#periodicCheck = new PeriodicCheck({ link: this.#link, accounts: () => this.#accounts(), onDead: (ids) => parts.store.deadProviders(asterisk.id, ids), now: () => performance.now(), log });
    this.#ami = this.#connectAmi();
    this.#spies = new Spies({
      serverId: asterisk.id, ami: this.#ami, settings: settings.spying, catalog: () => parts.store.catalog(), spied: (callId) => this.#registry.spied(callId),
      reachable: async (endpoint) => endpointState(this.#link, endpoint).then(({ state }) => state !== 'offline', () => false),
      store: parts.store.spies, mayAct: parts.mayAct, now: () => this.#clock.now().wallMs, newId: randomUUID, log,
    });
  }

  #connectAmi(): AmiLink | null {
    const { asterisk: { ami }, settings: { reconnect }, log } = this.#parts;
    if (ami.url === '') return null;
    return connectAmi({
      ...ami, timeoutMs: reconnect.requestTimeoutMs, reconnectMinMs: reconnect.minMs, reconnectMaxMs: reconnect.maxMs, pingEveryMs: reconnect.pingEveryMs,
      onEvent: (event) => this.#spies.receive(event), onConnected: () => this.#spies.connected(), log,
    });
  }

  get id(): number {
    return this.#parts.asterisk.id;
  }

  get connected(): boolean {
    return this.#link.connected;
  }

  get version(): string {
    return this.#link.version;
  }

  /** Devices and providers are in Asterisk. */
  get provisioned(): boolean {
    return this.#provisioner.complete;
  }

  get activeCalls(): number {
    return this.#registry.active + this.agi.active;
  }

  get figures(): CallFigures {
    const { calls, reservations } = this.#registry.figures();
    return { serverId: this.id, calls: { ...calls, dialplan: this.agi.active }, reservations };
  }

  /** Ids of providers that do not answer its periodic check. */
  get deadProviders(): readonly number[] {
    return [...this.#periodicCheck.dead];
  }

  get overload(): OverloadHealth {
    return this.#door.health;
  }

  catalogChanged(): void {
    this.#firstCatalog();
    this.#provisioner.changed();
  }

  hangUp(callId: string): boolean {
    if (this.#registry.hangUp(callId)) return true;
    const channelId = this.agi.channelOf(callId);
    if (channelId !== null) this.#hangUp(channelId, NORMAL_CLEARING);
    return channelId !== null;
  }

  /** An operator wants to hear a call. */
  async spy(order: SpyOrder): Promise<CommandAnswer> {
    return this.#spies.order(order);
  }

  async contact(endpoint: string): Promise<CommandAnswer> {
    return this.#spies.contact(endpoint);
  }

  /** null: it has none. */
  get ami(): Pick<AmiLink, 'connected' | 'problem'> | null {
    return this.#ami;
  }

  get activeSpies(): number {
    return this.#spies.active;
  }

  /** New calls are refused from now on; resolves when the last one is over. */
  async drain(): Promise<void> {
    this.#draining = true;
    await Promise.all([this.#registry.drained(), this.agi.drained()]);
  }

  /** The lead is sure again: what was held back goes on. */
  goOn(): void {
    for (const { event, at } of this.#heldEvents.splice(0)) this.#take(event, at);
    this.#registry.goOn();
  }

  /** Redis was away, or lost what it knew: what ended lately, and what is up, is told again. */
  restore(): void {
    this.#parts.finisher.repeat();
    // One that is at it tells what there is at its time.
    if (this.#restoring) return;
    this.#restoring = true;
    void this.#restoreForever().finally(() => (this.#restoring = false));
  }

  /** Until it has succeeded: before that new calls are refused, or taken within a bound, and nothing else would end it. */
  async #restoreForever(): Promise<void> {
    const { store, log } = this.#parts;
    while (!this.#stopped) {
      try {
        const calls = await this.#tellHeld();
        store.standDown(this.id);
        if (calls > 0) log.warn({ calls, of: this.activeCalls }, 'Redis did not know calls that are up; they are written down');
        // What was given while they were written down.
        await this.#tellHeld();
        return;
      } catch (error) {
        log.warn({ err: error }, 'Redis was lost again before all calls were written down, tried again');
        await pause(RECONCILE_AGAIN_MS);
      }
    }
  }

  /** How many of them Redis had lost. */
  async #tellHeld(): Promise<number> {
    return (await Promise.all([...this.#registry.held(), ...this.agi.held()].map((request) => this.#parts.store.restore(request)))).filter(Boolean).length;
  }

  /** All calls that hold something. */
  standing(): ReturnType<Registry['standing']> {
    return [...this.#registry.standing(), ...this.agi.holdings()];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#beats);
    this.#registry.stop();
    this.#door.close();
    this.#periodicCheck.close();
    this.#provisioner.close();
    this.#spies.close();
    await Promise.all([this.#link.close(), this.#ami?.close()]);
  }

  #accounts(): ReturnType<Parameters<typeof provision>[0]['desired']> {
    const catalog = this.#parts.store.catalog();
    if (catalog === null) return null;
    return catalog.sipAccounts.filter((account) => account.serverIds.length === 0 || account.serverIds.includes(this.id));
  }

  async #catalogRead(): Promise<void> {
    if (this.#parts.store.catalog() !== null) return;
    const read = new Promise<void>((resolve) => {
      this.#firstCatalog = resolve;
    });
    await Promise.race([read, rest(CATALOG_WAIT_MS)]);
  }

  #connected(): void {
    this.#parts.log.info({ version: this.#link.version, transport: this.#link.transport }, 'Attached to Asterisk');
    this.#parts.meter.attached(this.id);
    this.#periodicCheck.connected();
    this.#provisioner.connected();
    this.#early = [];
    void this.#reconcileForever();
  }

  /**
   * At the beginning of a connection, tried again until it is done: calls that ended meanwhile keep what they hold. Then
   * again and again, for what nobody could foresee.
   */
  async #reconcileForever(): Promise<void> {
    const connection = (this.#connection += 1);
    let before: Before | null = null;
    while (this.#link.connected && connection === this.#connection) {
      try {
        before = await this.#reconcile(before);
        await rest(this.#parts.settings.reconcileEveryS * 1000);
      } catch (error) {
        this.#parts.log.warn({ err: error }, 'Could not compare the calls with the channels of Asterisk, tried again');
        await pause(RECONCILE_AGAIN_MS);
      }
    }
  }

  async #reconcile(before: Before | null): Promise<Before> {
    const { asterisk, settings, store, finisher, log } = this.#parts;
    const early: Early[] = (this.#early ??= []);
    const began = this.#clock.now();
    const after = await takeOver({
      serverId: this.id, app: settings.app, settings: this.#calls, witness: asterisk.witness, readWitness: this.#parts.door.readWitness, link: this.#link, clock: this.#clock, store, registry: this.#registry, agi: this.agi, finisher, log,
      lostAt: this.#lostAt,
      comparedAt: this.#comparedAt,
      ready: async () => this.#catalogRead(),
      isPrompt: (channelId) => this.#prompts.knows(channelId),
      arrive: (channel, args, at) => this.#arrive(channel, arrivedAnew(this.id, channel, args, at)),
    }, early, before);
    this.#comparedAt = began;
    this.#early = null;
    for (const { event, at } of early) this.#registry.receive(event, at);
    return after;
  }

  #receive(event: AsteriskEvent): void {
    if (event.type === 'playbackFinished' && this.#registry.announced(event)) return;
    if (this.#prompts.receive(event) || event.type === 'playbackFinished') return;
    const at = this.#clock.stamp(event.at);
    if (this.#parts.mayAct()) this.#take(event, at);
    else this.#heldEvents.push({ event, at });
  }

  #take(event: Early['event'], at: Moment): void {
    if (this.#registry.receive(event, at)) return;
    if (event.type !== 'stasisStart') {
      this.#early?.push({ event, at });
      return;
    }
    if (event.args[0] === LEG_ARGUMENT) {
      this.#hangUp(event.channelId, 16);
      return;
    }
    this.#arrive(event.channel, arrivedCall(this.id, event.channel, event.args, at));
  }

  #arrive(channel: Channel, arrived: ArrivedCall): void {
    const began = monotonicMs();
    const judged = this.#judge(channel, arrived);
    this.#carryOut(channel, arrived, judged);
    this.#parts.meter.decided(monotonicMs() - began);
  }

  #carryOut(channel: Channel, arrived: ArrivedCall, judged: Judged): void {
    if ('plan' in judged) {
      this.#registry.start({ ...arrived, plan: judged.plan, settings: this.#calls }, judged.live);
      return;
    }
    this.#hangUp(channel.id, hangupCause(judged.cause).q850);
    if (judged.row !== null) this.#parts.finisher.record([judged.row]);
  }

  #judge(channel: Channel, arrived: ArrivedCall): Judged {
    this.#parts.meter.arrived(this.id);
    const catalog = this.#parts.store.catalog();
    const { settings, finisher } = this.#parts;
    // Without Redis finished calls wait here.
    if (catalog === null || this.#draining || finisher.backlog >= settings.settle.mostBacklog) return { cause: NOT_SERVING, row: null };
    if (!this.#door.admits()) return this.#shed(channel, arrived, catalog);
    const decision = decideRoute({ catalog, settings: this.#routing, random: this.#parts.random, quality: this.#parts.store.quality(), dead: this.#periodicCheck.dead, talk: this.#parts.store.talk(), scores: this.#parts.store.scores(), balanceOf: this.#balanceOf, explain: null }, arrived, channel);
    if (decision.kind === 'plan') return { plan: decision, live: liveFields(catalog, arrived, decision) };
    // A device that Asterisk has not been given back yet after its restart comes as a stranger: it may try again.
    const cause = decision.cause === STRANGER && !this.#provisioner.complete ? NOT_SERVING : decision.cause;
    this.#parts.log.info({ callId: arrived.id, userId: decision.parties.userId, cause }, 'Call refused');
    return { cause, row: refusedCdr(arrived, { parties: decision.parties, cause, catalogVersion: catalog.version, end: this.#clock.now() }) };
  }

  #shed(channel: Channel, arrived: ArrivedCall, catalog: Catalog): Judged {
    if (!this.#door.records()) return { cause: SWITCH_FULL, row: null };
    const parties = callerOnly(catalog, this.#routing.maxNumberLength, arrived, channel);
    return { cause: SWITCH_FULL, row: refusedCdr(arrived, { parties, cause: SWITCH_FULL, catalogVersion: catalog.version, end: this.#clock.now() }) };
  }

  #hangUp(channelId: string, q850: number): void {
    this.#link.request(hangup(channelId, q850)).catch((error: unknown) => this.#parts.log.debug({ err: error }, 'A channel to be refused is gone'));
  }
}
