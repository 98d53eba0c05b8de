/** What a caller or a far end saw on the wire. */
import { headerOf } from '../lab/sip-message.ts';
import type { SipMessage } from '../lab/sip-message.ts';

/** A finished or a running SIPp. */
export interface Traced {
  readonly messages: readonly SipMessage[] | (() => readonly SipMessage[]);
}

export function messagesOf(traced: Traced): readonly SipMessage[] {
  return typeof traced.messages === 'function' ? traced.messages() : traced.messages;
}

function callIdOf(message: SipMessage): string {
  return headerOf(message, 'Call-ID') ?? '';
}

/** SIP Call-IDs of the INVITEs sent or received. */
export function callIdsOf(traced: Traced): string[] {
  return [...new Set(messagesOf(traced).filter((message) => message.method === 'INVITE').map(callIdOf))];
}

function isInvite(message: SipMessage): boolean {
  return headerOf(message, 'CSeq')?.endsWith(' INVITE') === true;
}

/** Answers to the caller's INVITE, in order, 100 and the challenge of a digest left out. */
export function answers(traced: Traced): SipMessage[] {
  return messagesOf(traced).filter((message) => message.direction === 'received' && message.status !== undefined && message.status !== 100 && message.status !== 401 && isInvite(message));
}

/** Their statuses; a retransmission counts once. */
export function statuses(traced: Traced): number[] {
  const all = answers(traced).map((message) => message.status ?? 0);
  return all.filter((status, index) => status !== all[index - 1]);
}

/** The final status of each call that has one. */
export function finalStatuses(traced: Traced): number[] {
  const finals = new Map<string, number>();
  for (const message of answers(traced)) {
    if (message.status !== undefined && message.status >= 200 && !finals.has(callIdOf(message))) finals.set(callIdOf(message), message.status);
  }
  return [...finals.values()];
}

export function received(traced: Traced, method: string): SipMessage[] {
  return messagesOf(traced).filter((message) => message.direction === 'received' && message.method === method);
}

/** `Q.850;cause=17` of the last message that has a Reason. */
export function reasonOf(messages: readonly SipMessage[]): string | undefined {
  return messages.map((message) => headerOf(message, 'Reason')).findLast((reason) => reason !== undefined);
}
