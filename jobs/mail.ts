/**
 * One mail to one mail server. SMTP tells in two places that a message is taken: until its text is asked for (354) it surely is
 * not, from the server's answer to its end on it surely is or is not. Between the two nobody can know, so whoever sends is
 * asked for leave at the first of them.
 */
import { Readable } from 'node:stream';
import MailComposer from 'nodemailer/lib/mail-composer';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { Outcome } from './outcome.ts';

export interface MailSettings {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte; else STARTTLS where the server offers it. */
  readonly secure: boolean;
  /** Without TLS nothing is sent. */
  readonly requireTls: boolean;
  readonly username: string;
  readonly password: string;
  readonly from: string;
  /** Name of the sender; '' none. */
  readonly company: string;
  /** Longest time for all of it. */
  readonly timeoutMs: number;
}

export interface Message {
  /** The same at every try. */
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** '': none. */
  readonly html: string;
}

/** The one who sends has lost the right to. */
class Taken extends Error {}

async function bytesOf({ from, company }: MailSettings, { id, to, subject, text, html }: Message): Promise<Buffer> {
  const composer = new MailComposer({
    from: { name: company, address: from }, to: { name: '', address: to }, messageId: id, subject, text, ...(html === '' ? {} : { html }),
    // RFC 3834: no answering machine answers.
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true, disableUrlAccess: true,
  });
  return composer.compile().build();
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function responseOf(error: unknown): number {
  const { responseCode } = error as { responseCode?: unknown };
  return typeof responseCode === 'number' ? responseCode : 0;
}

/** Resolves with the server's answer to the text. */
function transact(connection: SMTPConnection, settings: MailSettings, to: string, text: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => {
      reject(new Error(`the mail server did not finish within ${settings.timeoutMs} ms`));
      connection.close();
    }, settings.timeoutMs);
    const fail = (error: unknown): void => {
      clearTimeout(deadline);
      reject(error instanceof Error ? error : new Error('the connection to the mail server ended'));
    };
    connection.on('error', fail);
    connection.once('end', () => fail(null));
    const send = (): void => {
      connection.send({ from: settings.from, to: [to] }, text, (error, sent) => {
        if (error) {
          fail(error);
          return;
        }
        clearTimeout(deadline);
        resolve(sent?.response ?? '');
      });
    };
    connection.connect((error) => {
      if (error) fail(error);
      else if (settings.username === '') send();
      else connection.login({ credentials: { user: settings.username, pass: settings.password } }, (refused) => (refused ? fail(refused) : send()));
    });
  });
}

/** `handOver` is asked when the server waits for the text; false: nothing is sent. */
export async function sendMail(settings: MailSettings, message: Message, handOver: () => Promise<boolean>): Promise<Outcome> {
  const { host, port, secure, requireTls, timeoutMs } = settings;
  let handed = false;
  let taken = false;
  const bytes = await bytesOf(settings, message);
  async function* text(): AsyncGenerator<Buffer> {
    if (!(await handOver())) {
      taken = true;
      throw new Taken('it is delivered by another');
    }
    handed = true;
    yield bytes;
  }
  const connection = new SMTPConnection({ host, port, secure, requireTLS: requireTls, connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs, dnsTimeout: timeoutMs, logger: false });
  try {
    const answer = await transact(connection, settings, message.to, Readable.from(text()));
    connection.quit();
    return { kind: 'delivered', answer };
  } catch (error) {
    if (taken) return { kind: 'taken' };
    const code = responseOf(error);
    if (handed && code === 0) return { kind: 'unknown', reason: reasonOf(error) };
    return { kind: 'refused', reason: reasonOf(error), permanent: code >= 500 };
  } finally {
    connection.close();
  }
}
