/**
 * One Asterisk as this daemon sees it: led by itself, or by another while this one stands by.
 */
import type { AgiCalls } from './agi/agi-calls.ts';
import { Leader } from './leader.ts';
import { NOTHING_SHED } from './door.ts';
import type { OverloadHealth } from './door.ts';
import { AsteriskServer } from './server.ts';
import type { ServerParts } from './server.ts';
import type { CallFigures } from './meter.ts';
import type { SpyOrder } from './spies.ts';
import type { CommandAnswer } from '../store/redis/commands.ts';
import { monotonicMs } from './clock.ts';
import { isDeadHere } from './daemon-name.ts';

export interface LeasedParts extends Omit<ServerParts, 'mayAct' | 'onReplaced'> {
  readonly daemon: string;
  readonly leaseMs: number;
}

export interface ServerHealth {
  readonly id: number;
  /** This daemon leads it; false: it stands by. */
  readonly leads: boolean;
  /** Who leads it instead, as far as is known. */
  readonly leader: string;
  readonly connected: boolean;
  /** Asterisk has been given all devices and providers since it connected. */
  readonly provisioned: boolean;
  readonly version: string;
  readonly calls: number;
  /** Ids of providers that do not answer its periodic check. */
  readonly deadProviders: readonly number[];
  readonly overload: OverloadHealth;
  /** `off`, `connected`, or why it is not. */
  readonly ami: string;
  /** Operators on calls. */
  readonly spies: number;
}

export class LeasedServer {
  readonly #parts: LeasedParts;
  readonly #leader: Leader;
  #server: AsteriskServer | null = null;

  constructor(parts: LeasedParts) {
    this.#parts = parts;
    this.#leader = new Leader({
      serverId: parts.asterisk.id, daemon: parts.daemon, lifeMs: parts.leaseMs, store: parts.store, isDead: isDeadHere, now: monotonicMs, log: parts.log,
      onLead: () => {
        this.#server = new AsteriskServer({ ...parts, mayAct: () => this.#leader.mayAct(), onReplaced: () => this.#leader.replaced() });
      },
      onLost: () => this.#letGo(),
      onSilent: () => parts.store.standIn(parts.asterisk.id, () => this.#server?.standing() ?? []),
      onRenewed: (gap) => {
        this.#server?.goOn();
        if (gap) this.#server?.restore();
      },
    });
  }

  get id(): number {
    return this.#parts.asterisk.id;
  }

  /** It surely leads at this moment. */
  get mayAct(): boolean {
    return this.#server !== null && this.#leader.mayAct();
  }

  /** null: it stands by. */
  get figures(): CallFigures | null {
    return this.#server?.figures ?? null;
  }

  get health(): ServerHealth {
    const server = this.#server;
    return {
      id: this.#parts.asterisk.id, leads: this.#leader.leads, leader: this.#leader.other,
      connected: server?.connected ?? false, provisioned: server?.provisioned ?? false, version: server?.version ?? '', calls: server?.activeCalls ?? 0,
      deadProviders: server?.deadProviders ?? [], overload: server?.overload ?? NOTHING_SHED,
      ami: amiText(server?.ami ?? null), spies: server?.activeSpies ?? 0,
    };
  }

  /** undefined: another daemon leads it. */
  get agi(): AgiCalls | undefined {
    return this.#server?.agi;
  }

  redisBack(): void {
    this.#leader.redisBack();
  }

  catalogChanged(): void {
    this.#server?.catalogChanged();
  }

  hangUp(callId: string): boolean {
    return this.#server?.hangUp(callId) ?? false;
  }

  async spy(order: SpyOrder): Promise<CommandAnswer> {
    return this.#server?.spy(order) ?? { done: false, reason: `Another daemon leads Asterisk ${this.id} by now: try again.` };
  }

  async contact(endpoint: string): Promise<CommandAnswer> {
    return this.#server?.contact(endpoint) ?? { done: false, reason: `Another daemon leads Asterisk ${this.id} by now: try again.` };
  }

  async drain(): Promise<void> {
    await this.#server?.drain();
  }

  /** Calls stay as they are, for the next lead; nothing more is ordered. */
  async stop(): Promise<void> {
    await this.#server?.stop();
  }

  async release(): Promise<void> {
    await this.#leader.release();
  }

  /** What this daemon knows of the calls is old from now on, and what it still wanted is another's to do. */
  #letGo(): void {
    const server = this.#server;
    this.#server = null;
    this.#parts.finisher.forget(this.#parts.asterisk.id);
    this.#parts.store.standDown(this.#parts.asterisk.id);
    server?.stop().catch((error: unknown) => this.#parts.log.warn({ err: error }, 'The connection to Asterisk could not be closed'));
  }
}

function amiText(ami: AsteriskServer['ami']): string {
  if (ami === null) return 'off';
  return ami.connected ? 'connected' : ami.problem;
}
