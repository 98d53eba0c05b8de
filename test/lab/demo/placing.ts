/** Places calls by real SIP, one as soon as the one before is answered or refused, and collects what came of them. */

import { headerOf, type SipMessage } from '../sip-message.ts';
import { startCaller, type Sipp, type SippResult } from '../sipp.ts';
import { until } from '../wait.ts';
import type { DemoCall } from './calls.ts';

export type PlacedCall = {
  call: DemoCall;
  /** Of the caller's leg, as the CDR has it. */
  sipCallId: string;
  /** How he was answered; undefined: not at all. */
  sip: number | undefined;
  result: SippResult;
};

type Target = { host: string; sipPort: number };

export async function placeCalls(calls: readonly DemoCall[], target: Target, say: (line: string) => void): Promise<PlacedCall[]> {
  const placed: Promise<PlacedCall>[] = [];
  for (const call of calls) {
    say(`${call.letter}  ${call.story}`);
    const sipp = await startCaller({ ...call.sipp, target });
    placed.push(sipp.done.then((result) => outcome(call, result)));
    await answered(sipp);
    const final = finalAnswer(sipp.messages());
    say(`   ${final === undefined ? 'no answer' : final.startLine.replace('SIP/2.0 ', '')}`);
  }
  return Promise.all(placed);
}

/** Answered, refused, or over without either. */
export async function answered(sipp: Sipp): Promise<void> {
  const waiting = until(() => (finalAnswer(sipp.messages()) === undefined ? 'no final answer yet' : undefined), { timeoutMs: 30_000, everyMs: 50 });
  await Promise.race([waiting, sipp.done]);
}

export function outcome(call: DemoCall, result: SippResult): PlacedCall {
  const invite = result.messages.find((message) => message.method === 'INVITE');
  return { call, sipCallId: invite === undefined ? '' : (headerOf(invite, 'Call-ID') ?? ''), sip: finalAnswer(result.messages)?.status, result };
}

/** To the INVITE; a challenge for the password is none. */
function finalAnswer(messages: readonly SipMessage[]): SipMessage | undefined {
  return messages.find(({ direction, status = 0, text }) => direction === 'received' && status >= 200 && status !== 401 && /^cseq:.*INVITE/im.test(text));
}
