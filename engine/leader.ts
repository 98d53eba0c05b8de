/**
 * One Asterisk is led by one daemon, by a lease in Redis that it renews all the time; the others stand by. Between two
 * answers a daemon may act for as long as the lease surely lasts. One that was paused finds it run out when it wakes, and
 * asks before it does anything.
 */
import type { Log } from './ports.ts';

export type LeaseAnswer =
  | { readonly kind: 'lead'; readonly token: number }
  | { readonly kind: 'other'; readonly daemon: string }
  | { readonly kind: 'free'; readonly ever: boolean };

export interface LeaseStore {
  lease(request: { readonly serverId: number; readonly daemon: string; readonly lifeMs: number; readonly token: number; readonly claim: boolean; readonly dead: string }): Promise<LeaseAnswer>;
  releaseLease(serverId: number, daemon: string): Promise<void>;
}

export interface LeaderParts {
  readonly serverId: number;
  readonly daemon: string;
  readonly lifeMs: number;
  readonly store: LeaseStore;
  /** Whether a daemon of this name can be known to be dead. */
  readonly isDead: (daemon: string) => boolean;
  /** Milliseconds on the monotonic clock. */
  readonly now: () => number;
  readonly log: Log;
  /** Nobody else leads: the calls are ours from now on. */
  readonly onLead: () => void;
  /** Somebody else does. */
  readonly onLost: () => void;
  /** Redis does not answer, and this daemon leads. */
  readonly onSilent: () => void;
  /** The lease holds, and nobody led meanwhile: what was held back goes on. `gap`: Redis was away, or had forgotten it. */
  readonly onRenewed: (gap: boolean) => void;
}

/** Renewals within the life of a lease. */
const RENEWALS = 5;
/** An unanswered renewal counts as silence of Redis after so many ticks that this process really lived through. */
const SILENT_TICKS = 4;

export class Leader {
  readonly #parts: LeaderParts;
  readonly #timer: NodeJS.Timeout;
  #leads = false;
  #token = 0;
  #provenUntil = 0;
  #pendingTicks = -1;
  /** Redis is away or silent: nobody can take the lease there either, and calls must not go without a lead. */
  #redisSilent = false;
  /** Since it was answered last, Redis may have lost something. */
  #gap = false;
  /** It was free when it was asked for last. */
  #seenFree = false;
  /** Until then whoever led may find the way back to a Redis that has forgotten him. */
  #leftAloneUntil = 0;
  #metOther = '';
  #closed = false;

  constructor(parts: LeaderParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.#tick(), parts.lifeMs / RENEWALS);
    this.#tick();
  }

  get leads(): boolean {
    return this.#leads;
  }

  /** The daemon that leads instead; '': none is known. */
  get other(): string {
    return this.#metOther;
  }

  mayAct(): boolean {
    return this.#leads && (this.#redisSilent || this.#parts.now() < this.#provenUntil);
  }

  /** Another session of the same application has begun at Asterisk. If Redis cannot tell who did that, it was the new lead. */
  replaced(): void {
    if (this.#redisSilent) this.#lost('unknown');
  }

  /** The connection to Redis had broken. What came back may know less, even if it still knows the lease. */
  redisBack(): void {
    this.#gap = true;
    this.#seenFree = false;
    this.#leftAloneUntil = this.#parts.now() + this.#parts.lifeMs;
    if (this.#leads && !this.#closed && this.#pendingTicks < 0) this.#tick();
  }

  /** Lets go of the lease, so that another daemon need not wait for its end. */
  async release(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    if (!this.#leads) return;
    this.#leads = false;
    await this.#parts.store.releaseLease(this.#parts.serverId, this.#parts.daemon);
  }

  #tick(): void {
    if (this.#pendingTicks >= 0) {
      this.#pendingTicks += 1;
      if (this.#pendingTicks >= SILENT_TICKS) this.#silent();
      return;
    }
    const vanished = this.#seenFree && this.#parts.now() >= this.#leftAloneUntil;
    this.#ask(this.#leads || vanished || this.#parts.isDead(this.#metOther));
  }

  #ask(claim: boolean): void {
    const { store, serverId, daemon, lifeMs, isDead, now } = this.#parts;
    this.#pendingTicks = 0;
    const askedAt = now();
    const dead = isDead(this.#metOther) ? this.#metOther : '';
    store.lease({ serverId, daemon, lifeMs, token: this.#token, claim, dead }).then(
      (answer) => {
        this.#pendingTicks = -1;
        this.#gap ||= this.#redisSilent;
        this.#redisSilent = false;
        if (!this.#closed) this.#answered(answer, askedAt);
      },
      () => {
        this.#pendingTicks = -1;
        this.#silent();
      },
    );
  }

  #silent(): void {
    if (this.#redisSilent) return;
    this.#redisSilent = true;
    if (!this.#leads || this.#closed) return;
    this.#parts.onSilent();
    this.#parts.onRenewed(false);
  }

  #answered(answer: LeaseAnswer, askedAt: number): void {
    switch (answer.kind) {
      case 'lead':
        return this.#lead(answer.token, askedAt + this.#parts.lifeMs);
      case 'other':
        this.#metOther = answer.daemon;
        this.#seenFree = false;
        return this.#lost(answer.daemon);
      case 'free':
        this.#seenFree = true;
        // A Redis that never knew of a lead, and a daemon that never met one: this is the beginning of all.
        if (!answer.ever && this.#metOther === '') this.#ask(true);
    }
  }

  #lead(token: number, until: number): void {
    // One token further: the lease had run out, and nobody took it.
    const ledAllTheTime = this.#leads && (token === this.#token || token === this.#token + 1);
    const again = this.#leads && !ledAllTheTime;
    const gap = this.#gap || token !== this.#token;
    this.#gap = false;
    this.#token = token;
    this.#provenUntil = until;
    this.#seenFree = false;
    this.#metOther = '';
    if (ledAllTheTime) return this.#parts.onRenewed(gap);
    if (again) this.#parts.onLost();
    this.#leads = true;
    this.#parts.log.info({ token }, 'This daemon leads the Asterisk');
    this.#parts.onLead();
  }

  #lost(daemon: string): void {
    if (!this.#leads) return;
    this.#leads = false;
    this.#parts.log.warn({ daemon }, 'Another daemon leads the Asterisk; this one stands by');
    this.#parts.onLost();
  }
}
