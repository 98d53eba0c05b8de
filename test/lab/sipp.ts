/** SIPp as callers and as far ends: real SIP into and out of Asterisk. */

import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { forgetProcess, labFolder, newFolder, recordProcess } from './lab-folder.ts';
import { freePort, isBound } from './ports.ts';
import { findPrograms } from './programs.ts';
import { fillScenario, type ScenarioValues } from './scenario.ts';
import { parseTrace, type SipMessage } from './sip-message.ts';
import { signalQuietly } from './process-identity.ts';
import { readStats, readTimes, type ResponseTime, type SippStats } from './sipp-stats.ts';
import { until } from './wait.ts';

const DEFAULT_TIMEOUT_S = 30;
/** SIPp waits one interval before its first call, which at one call a second would be a second. */
const DEFAULT_CALLS_PER_SECOND = 100;

type Common = {
  /** Name of a file in scenarios/, without its ending, or XML of the test's own. */
  scenario: string;
  /** Fills the scenario's blanks: holdMs, ringMs, status ... */
  values?: ScenarioValues;
  /** Loopback address to send from and listen on; 127.0.0.x tells callers apart that are known by address. */
  ip?: string;
  /** Own SIP port; a free one when left out. */
  port?: number;
  /** Keep the messages, for messages(). On, unless it is a load. */
  trace?: boolean;
  /** Send back the audio that is heard. */
  rtpEcho?: boolean;
};

export type CallerOptions = Common & {
  /** Where to call; a lab Asterisk fits. */
  target: { host: string; sipPort: number };
  /** Number called. For REGISTER not needed. */
  to?: string;
  /** User part of From; `anonymous` when left out. */
  from?: string;
  /** Display name of From. */
  fromName?: string;
  /** More header lines of the INVITE, such as `P-Asserted-Identity: <sip:370@x>`. */
  headers?: string[];
  /** Digest credentials; the first answer must then be a challenge. */
  auth?: { username: string; password: string };
  /** How many calls (1), and how many are started a second (100). */
  calls?: number;
  ratePerSecond?: number;
  /** Calls at once; more wait. All, when left out. */
  atOnce?: number;
  /** Everything must be over by then. */
  timeoutS?: number;
};

export type PeerOptions = Common & {
  /** It answers OPTIONS too; without, they are left without an answer. */
  answersOptions?: boolean;
};

export type SippResult = {
  /** 0: every call went as the scenario says. */
  exitCode: number;
  stats: SippStats;
  /** Milliseconds from the INVITE to its final answer, one for each call that got one. */
  setupTimesMs: number[];
  /** All that the scenario times. */
  responses: ResponseTime[];
  messages: SipMessage[];
  /** What SIPp complained about: unexpected messages and timeouts, in its own words. */
  errors: string;
};

export class Sipp {
  readonly ip: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when all calls are over or it was stopped. */
  readonly done: Promise<SippResult>;
  readonly #child: ChildProcess;
  readonly #folder: string;

  constructor(child: ChildProcess, at: { ip: string; port: number; folder: string }) {
    this.ip = at.ip;
    this.port = at.port;
    this.pid = child.pid ?? 0;
    this.#folder = at.folder;
    this.#child = child;
    this.done = new Promise((done, fail) => {
      child.once('error', fail);
      child.once('close', (code) => {
        forgetProcess(this.pid);
        done(this.#result(code ?? 255));
      });
    });
  }

  /** So far, oldest first. */
  messages(): SipMessage[] {
    return parseTrace(read(join(this.#folder, 'messages')));
  }

  /** The INVITEs that came in so far, without retransmissions of the same call. */
  invites(): SipMessage[] {
    const calls = new Set<string>();
    return this.messages().filter((message) => {
      const call = /^call-id:\s*(\S+)/im.exec(message.text)?.[1] ?? '';
      if (message.method !== 'INVITE' || message.direction !== 'received' || calls.has(call)) return false;
      calls.add(call);
      return true;
    });
  }

  /** What went wrong so far; scheduled jumps of a scenario, which SIPp reports as well, are left out. */
  errors(): string {
    const lines = read(join(this.#folder, 'errors')).split('\n');
    return lines.filter((line) => line !== '' && !/jumping to label|^The following events/.test(line)).join('\n');
  }

  /** Ends it at once; calls that still go are dropped without a BYE. */
  async stop(): Promise<SippResult> {
    this.#child.ref();
    signalQuietly(this.pid, 'SIGKILL');
    return this.done;
  }

  /** Lets this process end although it still runs. */
  unref(): this {
    this.#child.unref();
    return this;
  }

  #result(exitCode: number): SippResult {
    const times = readdirSync(this.#folder).find((name) => name.endsWith('_rtt.csv'));
    const responses = times === undefined ? [] : readTimes(read(join(this.#folder, times)));
    return {
      exitCode,
      stats: readStats(read(join(this.#folder, 'stats'))),
      setupTimesMs: responses.filter(({ name }) => name === 'setup').map(({ tookMs }) => tookMs),
      responses,
      messages: this.messages(),
      errors: this.errors(),
    };
  }
}

/** Calls and waits until all calls are over. */
export async function call(options: CallerOptions): Promise<SippResult> {
  const caller = await startCaller(options);
  return caller.done;
}

/** Starts calling; `done` has the outcome. */
export async function startCaller(options: CallerOptions): Promise<Sipp> {
  const { target, calls = 1, ratePerSecond = DEFAULT_CALLS_PER_SECOND, atOnce = calls, timeoutS = DEFAULT_TIMEOUT_S } = options;
  const cseq = options.auth === undefined ? 1 : 2;
  const values: ScenarioValues = {
    from: options.from ?? 'anonymous',
    inviteCseq: cseq,
    nextCseq: cseq + 1,
    byeCseq: cseq + 1 + String(options.values?.['keys'] ?? '').length,
    ...(options.to !== undefined && { to: options.to }),
    ...(options.fromName !== undefined && { fromName: `"${options.fromName}"` }),
    ...(options.headers !== undefined && { headers: options.headers.join('\n      ') }),
    ...options.auth,
    ...options.values,
  };
  const args = [
    [`${target.host}:${target.sipPort}`],
    ['-m', calls, '-r', ratePerSecond, '-rp', 1000, '-l', atOnce],
    ['-timeout', timeoutS, '-timeout_error', '-recv_timeout', timeoutS * 1000],
    ['-trace_rtt', '-rtt_freq', 1],
  ];
  return run(options, values, args.flat().map(String));
}

/** A far end that takes calls on its own port until it is stopped or the run ends. */
export async function startPeer(options: PeerOptions): Promise<Sipp> {
  const peer = (await run(options, options.values ?? {}, options.answersOptions === true ? ['-aa'] : [])).unref();
  await until(() => (isBound(peer.ip, peer.port) ? undefined : `SIPp does not listen yet. ${peer.errors()}`));
  return peer;
}

async function run(options: Common, values: ScenarioValues, moreArgs: string[]): Promise<Sipp> {
  const programs = await findPrograms(labFolder());
  const folder = newFolder('sipp');
  const ip = options.ip ?? '127.0.0.1';
  const port = options.port ?? (await freePort());
  const media = await freePort();
  writeFileSync(join(folder, 'scenario.xml'), fillScenario(options.scenario, values));
  const args = [
    ['-sf', 'scenario.xml', '-i', ip, '-p', port, '-mi', ip],
    ['-min_rtp_port', media, '-max_rtp_port', media + 1, '-ci', '127.0.0.1', '-cp', await freePort()],
    ['-nostdin', '-trace_err', '-error_file', 'errors', '-trace_stat', '-stf', 'stats', '-fd', 1],
    options.trace === false ? [] : ['-trace_msg', '-message_file', 'messages'],
    options.rtpEcho === true ? ['-rtp_echo'] : [],
    moreArgs,
  ].flat();
  const command = programs.command('sipp', args.map(String), { folder });
  const log = openSync(join(folder, 'console'), 'w');
  const child = spawn(command.file, command.args, { stdio: ['ignore', log, log], cwd: folder, detached: true });
  closeSync(log);
  if (child.pid !== undefined) recordProcess(child.pid);
  return new Sipp(child, { ip, port, folder });
}

function read(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
