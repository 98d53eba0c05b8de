/** What the dialplan asks for with one connection: variables are read, the call is decided about, variables are set. */
import { arrivedCall } from '../arrive.ts';
import type { DialledCall, Told } from '../call/dialled.ts';
import type { Log } from '../ports.ts';
import type { AgiCalls } from './agi-calls.ts';
import type { Variables } from './answer.ts';
import { getVariables, isDone, setVariables, variablesOf } from './commands.ts';
import type { AgiConnection } from './connection.ts';
import type { AgiRequest } from './request.ts';

export interface AgiTurn {
  readonly connection: AgiConnection;
  readonly request: AgiRequest;
  readonly calls: AgiCalls;
  /** Drawn at random, for this connection alone: see docs/decisions/0014-fastagi.md. */
  readonly mark: string;
  readonly log: Log;
}

/** A Call-ID is whatever its sender wrote: it comes last. */
const ARRIVAL = ['${CHANNEL(pjsip,remote_addr)}', '${CHANNEL(audionativeformat)}', '${CHANNEL(pjsip,call-id)}'];
/** Dial()'s words; HANGUPCAUSE() knows the SIP status of one leg, not of several. */
const END = [
  '${DIALSTATUS}', '${ANSWEREDTIME_MS}', '${DIALEDTIME_MS}', '${RINGTIME_MS}', '${PROGRESSTIME_MS}', '${HANGUPCAUSE}', '${TOLLGATE_WAY}',
  '${DIALEDPEERNAME}', '${CHANNEL(hangupsource)}', '${HANGUPCAUSE(${HANGUPCAUSE_KEYS()},tech)}',
];

async function ask({ connection, mark }: AgiTurn, expressions: readonly string[]): Promise<string[]> {
  return variablesOf(await connection.command(getVariables(mark, expressions)), mark, expressions.length);
}

async function tell({ connection, request, log }: AgiTurn, variables: Variables): Promise<void> {
  for (const command of setVariables(variables)) {
    const answer = await connection.command(command);
    if (!isDone(answer)) log.warn({ command: command.slice(0, 200), answer: answer.slice(0, 100), script: request.script }, 'Asterisk did not set the variables of a call');
  }
}

function number(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : null;
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

/** A dialplan that hangs up is named too, by a word that is no channel. */
function byWhom(source: string, own: string): Told['by'] {
  if (source === own) return 'originator';
  return source.startsWith('PJSIP/') ? 'terminator' : 'system';
}

/** Texts in the order of END. */
function toldOf({ channel }: AgiRequest, texts: readonly string[]): (one: DialledCall) => Told {
  const [status = '', talk, dialled, ring, progress, cause, way, peer = '', source = '', tech = ''] = texts;
  const wayNumber = number(way);
  return ({ call, way: present }) => ({
    status,
    talkMs: number(talk),
    dialToEndMs: number(dialled),
    dialToRingMs: earlier(number(ring), number(progress)),
    cause: number(cause) ?? 0,
    sipCode: number(/^SIP (\d{3})\b/.exec(tech)?.[1]),
    way: wayNumber === null || wayNumber === 0 ? null : wayNumber - 1,
    deviceId: call.plan.ways[wayNumber === null || wayNumber === 0 ? present : wayNumber - 1]?.fork?.find(({ endpoint }) => peer.startsWith(`PJSIP/${endpoint}-`))?.deviceId ?? null,
    by: byWhom(source, channel.name),
  });
}

export async function play(turn: AgiTurn): Promise<void> {
  const { request, calls, connection } = turn;
  const { channel, serverId } = request;
  switch (request.script) {
    case 'authorize': {
      const at = calls.clock.now();
      const [address = '', formats = '', sipCallId = ''] = await ask(turn, ARRIVAL);
      const arrived = arrivedCall(serverId, { ...channel, sipCallId }, [address, formats], at);
      await tell(turn, await calls.authorize({ ...channel, sipCallId }, arrived));
      return calls.told(arrived.id);
    }
    case 'next': {
      const told = toldOf(request, await ask(turn, END));
      const callId = `${serverId}-${channel.id}`;
      const variables = await calls.next(callId, told);
      // What is known of this way's legs would be taken for the next one's.
      await connection.command('EXEC HangupCauseClear ""\n');
      await tell(turn, variables);
      return calls.told(callId);
    }
    case 'finish':
      return calls.finish(`${serverId}-${channel.id}`, toldOf(request, await ask(turn, END)));
  }
}
