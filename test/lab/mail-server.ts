/** A real mail server on loopback that keeps what it takes, and can be told to refuse or to hold its answers. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly id: string;
  readonly subject: string;
  /** As it came, with its headers. */
  readonly text: string;
}

/** null: taken. A refusal is a status of SMTP and its words. */
export type Verdict = null | { readonly code: number; readonly words: string };

export interface MailRules {
  /** Asked before the text is asked for. */
  readonly recipient?: (to: string) => Verdict | Promise<Verdict>;
  /** Asked when the text has come. */
  readonly mail?: (mail: Mail) => Verdict | Promise<Verdict>;
  readonly login?: { readonly username: string; readonly password: string };
}

function header(text: string, name: string): string {
  return new RegExp(`^${name}: (.*)$`, 'mi').exec(text)?.[1]?.trim() ?? '';
}

function refusal(verdict: Verdict): Error | null {
  return verdict === null ? null : Object.assign(new Error(verdict.words), { responseCode: verdict.code });
}

export class MailServer {
  readonly #server: SMTPServer;
  /** Taken, oldest first. */
  readonly mails: Mail[] = [];
  /** Texts that came, taken or not. */
  texts = 0;
  rules: MailRules = {};

  private constructor(login: MailRules['login']) {
    this.#server = new SMTPServer({
      disabledCommands: login === undefined ? ['AUTH', 'STARTTLS'] : ['STARTTLS'],
      authOptional: login === undefined,
      allowInsecureAuth: true,
      onAuth: (auth, _session, done) => {
        if (auth.username === login?.username && auth.password === login?.password) done(null, { user: auth.username ?? '' });
        else done(new Error('Invalid user name or password'));
      },
      onRcptTo: (address, _session, done) => {
        const judge = async (): Promise<void> => done(refusal((await this.rules.recipient?.(address.address)) ?? null) ?? undefined);
        void judge();
      },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const { mailFrom, rcptTo } = session.envelope;
          const mail: Mail = { from: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map(({ address }) => address), id: header(text, 'Message-ID'), subject: header(text, 'Subject'), text };
          this.texts += 1;
          const judge = async (): Promise<void> => {
            const verdict = (await this.rules.mail?.(mail)) ?? null;
            if (verdict === null) this.mails.push(mail);
            done(refusal(verdict));
          };
          void judge();
        });
      },
    });
    // A client that goes away in the middle is what is tested.
    this.#server.on('error', () => undefined);
  }

  static async start(login?: MailRules['login']): Promise<MailServer> {
    const made = new MailServer(login);
    made.#server.listen(0, '127.0.0.1');
    await once(made.#server.server, 'listening');
    return made;
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  to(address: string): readonly Mail[] {
    return this.mails.filter(({ to }) => to.includes(address));
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}
