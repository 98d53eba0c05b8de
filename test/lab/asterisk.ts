/** A private Asterisk with the operator's files of dialplan/, for tests, the demo and benches. */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { amiCommand } from './ami-command.ts';
import { LAB_AMI_USER, celFile, renderConfiguration, type AsteriskPlace } from './asterisk-config.ts';
import { labFolder, newFolder } from './lab-folder.ts';
import { freePort, freePortRange } from './ports.ts';
import { findPrograms } from './programs.ts';
import { ServerProcess } from './server-process.ts';

/** Two legs of RTP and RTCP for 60 calls. */
const DEFAULT_RTP_PORTS = 240;
const CLOCK_TICKS_PER_SECOND = 100;

export type AsteriskOptions = {
  /** Text appended to configuration files, by name: `{ 'pjsip.conf': '[peer]…', 'extensions.conf': '[direct]…' }`. */
  additions?: Record<string, string>;
  /** Four for every call at once that carries media. */
  rtpPorts?: number;
};

export class Asterisk {
  readonly host = '127.0.0.1';
  readonly sipPort: number;
  readonly ariUrl: string;
  readonly ariUser = 'tollgate';
  readonly ariPassword: string;
  readonly amiPort: number;
  readonly amiUser = 'tollgate';
  readonly amiPassword: string;
  /** Holds etc/, log/, var/. */
  readonly folder: string;
  /** Notices, warnings and errors. */
  readonly logFile: string;
  /** One JSON object a line: CHAN_START, ANSWER, HANGUP, LINKEDID_END. */
  readonly celFile: string;
  /** What devices have registered: survives kill() and restart(), while pushed SIP objects do not. */
  readonly astdbFile: string;
  readonly #labPassword: string;
  readonly #start: () => Promise<ServerProcess>;
  #server: ServerProcess;

  constructor(place: AsteriskPlace, server: ServerProcess, start: () => Promise<ServerProcess>) {
    this.sipPort = place.sipPort;
    this.ariUrl = `http://127.0.0.1:${place.ariPort}`;
    this.ariPassword = place.ariPassword;
    this.amiPort = place.amiPort;
    this.amiPassword = place.amiPassword;
    this.folder = place.folder;
    this.logFile = join(place.folder, 'log', 'messages');
    this.celFile = celFile(place.folder);
    this.astdbFile = join(place.folder, 'var', 'astdb.sqlite3');
    this.#labPassword = place.labPassword;
    this.#server = server;
    this.#start = start;
  }

  get pid(): number {
    return this.#server.pid;
  }

  /** Runs a command of Asterisk's CLI and resolves with what it prints. */
  async cli(command: string): Promise<string> {
    return amiCommand({ port: this.amiPort, user: LAB_AMI_USER, password: this.#labPassword }, command);
  }

  /** Number of channels that are up at this moment. */
  async channelCount(): Promise<number> {
    const output = await this.cli('core show channels count');
    return Number(/^(\d+) active channel/m.exec(output)?.[1] ?? Number.NaN);
  }

  /** What is in the log so far, in lines. */
  log(): string[] {
    return readFileSync(this.logFile, 'utf8').split('\n').filter((line) => line !== '');
  }

  /** The witness's records so far. */
  celRecords(): Record<string, string>[] {
    const lines = readFileSync(this.celFile, 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, string>);
  }

  /** CPU time used so far, user and system (Linux). */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  }

  /** Hangs up all calls and ends. */
  async stop(): Promise<void> {
    await this.#server.stop('SIGTERM');
  }

  /** SIGKILL: nobody gets a BYE. */
  async kill(): Promise<void> {
    await this.#server.kill();
  }

  pause(): void {
    this.#server.pause();
  }

  resume(): void {
    this.#server.resume();
  }

  /** After stop() or kill(): same ports, same folder; pushed SIP objects are gone. */
  async start(): Promise<void> {
    this.#server = await this.#start();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }
}

/** Starts in about a second. Every call that comes in goes to the Stasis application `tollgate`. */
export async function startAsterisk(options: AsteriskOptions = {}): Promise<Asterisk> {
  const programs = await findPrograms(labFolder());
  const place: AsteriskPlace = {
    folder: newFolder('asterisk'),
    sipPort: await freePort(),
    ariPort: await freePort(),
    amiPort: await freePort(),
    rtp: await freePortRange(options.rtpPorts ?? DEFAULT_RTP_PORTS),
    ariPassword: secret(),
    amiPassword: secret(),
    labPassword: secret(),
  };
  renderConfiguration(place, options.additions ?? {});
  const login = { port: place.amiPort, user: LAB_AMI_USER, password: place.labPassword };
  const start = async (): Promise<ServerProcess> =>
    ServerProcess.start({
      name: 'asterisk',
      command: programs.command('asterisk', ['-f', '-C', join(place.folder, 'etc', 'asterisk.conf')]),
      logFile: join(place.folder, 'log', 'console'),
      whyNotReady: async () => {
        const booted = await amiCommand(login, 'core waitfullybooted');
        return booted.includes('fully booted') ? undefined : booted;
      },
    });
  return new Asterisk(place, await start(), start);
}

function secret(): string {
  return randomBytes(12).toString('hex');
}
