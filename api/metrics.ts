/**
 * `/metrics`: figures of this daemon in Prometheus' text format. Labels are bounded: servers, states, directions, dispositions and
 * the hangup causes of our own list; never a number, a user or a provider.
 */
import { Counter, Histogram, Registry } from 'prom-client';
import { HANGUP_CAUSES } from '../routing/hangup-causes.ts';
import { addGauges } from './metrics/gauges.ts';
import type { Report } from './metrics/gauges.ts';
import { addProcess } from './metrics/process.ts';

const QUICK = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];
const RINGING = [0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30];
const SETTING_UP = [0.5, 1, 2, 5, 10, 15, 20, 30, 45, 60, 120];
const TALKING = [1, 6, 15, 30, 60, 120, 180, 300, 600, 1200, 1800, 3600, 7200];

/** What is counted of a CDR. */
export interface EndedAttempt {
  readonly serverId: number;
  readonly direction: string;
  readonly disposition: string;
  readonly hangupCause: number;
  /** The last one of its call. */
  readonly final: boolean;
  readonly flashCall: boolean;
  readonly callDateMs: number;
  readonly answerMs: number | null;
  readonly billMs: number;
  readonly pddMs: number | null;
}

function causeLabel(code: number): string {
  return HANGUP_CAUSES.has(code) ? String(code) : 'other';
}

/** Fits the engine's `Meter`. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #arrived = this.#counter('tollgate_calls_arrived_total', 'Calls that came to the engine.', ['server']);
  readonly #ended = this.#counter('tollgate_calls_ended_total', 'Calls that are over, those that were refused among them, by the hangup cause of their last attempt.', ['server', 'direction', 'disposition', 'cause']);
  readonly #attempts = this.#counter('tollgate_attempts_ended_total', 'Attempts that are over: one for each CDR.', ['server', 'disposition', 'cause']);
  readonly #flash = this.#counter('tollgate_flash_calls_total', 'Calls that were cancelled so soon that they are flash calls.', ['server']);
  readonly #attached = this.#counter('tollgate_asterisk_attachments_total', 'Connections to an Asterisk; a further one follows each loss.', ['server']);
  readonly #decision = this.#histogram('tollgate_decision_seconds', 'From the arrival of a call to its refusal, or to the question for its admission.', QUICK);
  readonly #admission = this.#histogram('tollgate_admission_seconds', 'Redis\' answer to that question.', QUICK);
  readonly #pdd = this.#histogram('tollgate_pdd_seconds', 'From the INVITE to the first ringing of an attempt (PDD).', RINGING);
  readonly #setUp = this.#histogram('tollgate_setup_seconds', 'From the arrival of a call to its answer.', SETTING_UP);
  readonly #talk = this.#histogram('tollgate_talk_seconds', 'Talk of answered calls: sum by count is the ACD.', TALKING);

  constructor(version: string) {
    addProcess(this.#registry, version);
  }

  /** Told at each look. */
  watch(report: () => Report): void {
    addGauges(this.#registry, report);
  }

  attached(serverId: number): void {
    this.#attached.inc({ server: serverId });
  }

  arrived(serverId: number): void {
    this.#arrived.inc({ server: serverId });
  }

  decided(tookMs: number): void {
    this.#decision.observe(tookMs / 1000);
  }

  admitted(tookMs: number): void {
    this.#admission.observe(tookMs / 1000);
  }

  ended(cdrs: readonly EndedAttempt[]): void {
    for (const cdr of cdrs) {
      const { serverId: server, disposition } = cdr;
      const cause = causeLabel(cdr.hangupCause);
      this.#attempts.inc({ server, disposition, cause });
      if (cdr.pddMs !== null) this.#pdd.observe(cdr.pddMs / 1000);
      if (!cdr.final) continue;
      this.#ended.inc({ server, direction: cdr.direction, disposition, cause });
      if (cdr.flashCall) this.#flash.inc({ server });
      if (cdr.answerMs === null) continue;
      this.#setUp.observe(Math.max(0, cdr.answerMs - cdr.callDateMs) / 1000);
      this.#talk.observe(cdr.billMs / 1000);
    }
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    return this.#registry.metrics();
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.#registry] });
  }
}

