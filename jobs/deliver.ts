/** One delivery: what stands in it, and what comes of a try. */
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { formatMoney } from '../rating/money.ts';
import type { Money } from '../rating/money.ts';
import { closeUnknown, handOver, mailSent, notDelivered, readDelivery, requestAnswered } from '../store/warnings/deliveries.ts';
import { escapeHtml, fill, fillLine } from '../store/warnings/template.ts';
import type { Variables } from '../store/warnings/template.ts';
import type { OpenDelivery } from '../store/warnings/rows.ts';
import { sendMail } from './mail.ts';
import type { MailSettings, Message } from './mail.ts';
import type { Outcome } from './outcome.ts';
import { postWebhook, shownUrl } from './webhook.ts';
import type { WebhookSettings } from './webhook.ts';

export interface Tries {
  /** Most tries of one delivery. */
  readonly attempts: number;
  /** Before the second; each further pause is twice as long. */
  readonly retryS: number;
}

export interface DeliverContext {
  readonly pool: Pool;
  readonly mail: MailSettings & Tries;
  readonly webhook: WebhookSettings & Tries;
  readonly log: { info(fields: object, sentence: string): void; warn(fields: object, sentence: string): void; error(fields: object, sentence: string): void };
}

/** It is to be tried again. */
export class TryAgain extends Error {
  override readonly name = 'TryAgain';
}

const CENT = 2;

/** As a person reads it: whole cents, and never more than there is. */
export function inCents(amount: Money): string {
  const cent = 100_000_000n;
  const rest = ((amount % cent) + cent) % cent;
  return formatMoney(amount - rest, CENT);
}

function momentIn(timeZone: string, atMs: number): string {
  const parts = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).formatToParts(atMs);
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.find((one) => one.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')} (${timeZone})`;
}

export function variablesOf(one: OpenDelivery, company: string): Variables {
  return {
    username: one.username, first_name: one.firstName, last_name: one.lastName, balance: inCents(one.balance), warning_balance: inCents(one.threshold),
    currency: one.currency, company, date: momentIn(one.timeZone, one.atMs),
  };
}

export function messageOf(one: OpenDelivery, { from, company }: Pick<MailSettings, 'from' | 'company'>): Message {
  const variables = variablesOf(one, company);
  const { subject, text, html } = one.template;
  return {
    id: `<tollgate-warning-${one.id}@${from.slice(from.lastIndexOf('@') + 1)}>`, to: one.address,
    subject: fillLine(subject, variables), text: fill(text, variables), html: fill(html, variables, escapeHtml),
  };
}

/** `id` is the same at every try: whoever gets a request twice can tell. */
function queryOf(one: OpenDelivery): Record<string, string> {
  return {
    event: 'warning_balance', id: one.id, user_id: String(one.userId), username: one.username, balance: formatMoney(one.balance, 10), warning_balance: formatMoney(one.threshold, 10),
    currency: one.currency, time: new Date(one.atMs).toISOString(),
  };
}

async function tryMail({ pool, mail }: DeliverContext, one: OpenDelivery): Promise<{ readonly outcome: Outcome; readonly claim: string | null }> {
  if (mail.host === '') return { outcome: { kind: 'refused', reason: 'no mail server is set (mail.host)', permanent: false }, claim: null };
  const claim = randomUUID();
  let handed = false;
  const outcome = await sendMail(mail, messageOf(one, mail), async () => (handed = await handOver(pool, one.id, claim)));
  if (outcome.kind === 'delivered') await mailSent(pool, one.id, claim, outcome.answer);
  if (outcome.kind === 'unknown') await closeUnknown(pool, { claim, reason: outcome.reason });
  return { outcome, claim: handed ? claim : null };
}

async function tryRequest({ pool, webhook }: DeliverContext, one: OpenDelivery): Promise<Outcome> {
  const outcome = await postWebhook(one.address, queryOf(one), webhook);
  if (outcome.kind === 'delivered') await requestAnswered(pool, one.id, outcome.answer);
  return outcome;
}

/** Throws TryAgain while there are tries left. */
export async function deliver(context: DeliverContext, id: string): Promise<void> {
  const one = await readDelivery(context.pool, id);
  if (one === null) return;
  const { outcome, claim } = one.channel === 'mail' ? await tryMail(context, one) : { outcome: await tryRequest(context, one), claim: null };
  const { attempts } = one.channel === 'mail' ? context.mail : context.webhook;
  const fields = { warning: id, userId: one.userId, channel: one.channel, recipient: one.recipient, to: one.channel === 'mail' ? one.address : shownUrl(one.address) };
  switch (outcome.kind) {
    case 'taken':
      return;
    case 'delivered':
      context.log.info({ ...fields, answer: outcome.answer }, 'A warning of a low balance is delivered');
      return;
    case 'unknown':
      context.log.error({ ...fields, reason: outcome.reason }, 'Whether the mail server took a warning is not known: it is not sent again');
      return;
    case 'refused': {
      const final = outcome.permanent || one.attempts + 1 >= attempts;
      await notDelivered(context.pool, id, { reason: outcome.reason, claim, final });
      const told = { ...fields, reason: outcome.reason, attempt: one.attempts + 1 };
      if (final) context.log.error(told, 'A warning of a low balance could not be delivered');
      else context.log.warn(told, 'A warning of a low balance could not be delivered yet, tried again');
      if (!final) throw new TryAgain(outcome.reason);
    }
  }
}
