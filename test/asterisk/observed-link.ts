/** A link that remembers what it told, and waits for what it has not told yet. */
import { connectAsterisk } from '../../engine/asterisk/connect.ts';
import type { AsteriskEvent, AsteriskLink, LinkOptions } from '../../engine/asterisk/contract.ts';
import { until } from '../lab/wait.ts';

export interface LogLine {
  readonly level: 'info' | 'warn';
  readonly message: string;
  readonly fields: object;
}

type OfType<Type extends AsteriskEvent['type']> = Extract<AsteriskEvent, { type: Type }>;

export class ObservedLink {
  readonly link: AsteriskLink;
  readonly events: AsteriskEvent[] = [];
  readonly log: LogLine[] = [];
  /** How often it came to be connected, and why it was not any more. */
  connections = 0;
  readonly disconnections: string[] = [];
  /** What the owner of the link does with an event; a test may make it fail. */
  listener: (event: AsteriskEvent) => unknown = () => undefined;

  constructor(options: Pick<LinkOptions, 'url' | 'username' | 'password' | 'transport'> & Partial<LinkOptions>) {
    this.link = connectAsterisk({
      app: 'tollgate',
      requestTimeoutMs: 2000,
      reconnectMinMs: 50,
      reconnectMaxMs: 300,
      healthIntervalMs: 200,
      healthTimeoutMs: 500,
      onEvent: (event) => {
        this.events.push(event);
        return this.listener(event);
      },
      onConnected: () => (this.connections += 1),
      onDisconnected: (reason) => this.disconnections.push(reason),
      log: {
        info: (fields, message) => this.log.push({ level: 'info', message, fields }),
        warn: (fields, message) => this.log.push({ level: 'warn', message, fields }),
      },
      ...options,
    });
  }

  forget(): void {
    this.events.length = 0;
    this.log.length = 0;
  }

  async connected(times = 1): Promise<void> {
    await until(() => (this.connections >= times && this.link.connected ? undefined : `connected ${this.connections} times, not ${times}; ${JSON.stringify(this.log.at(-1))}`), { timeoutMs: 20_000 });
  }

  async disconnected(times = 1): Promise<string> {
    await until(() => (this.disconnections.length >= times ? undefined : `lost ${this.disconnections.length} times, not ${times}`), { timeoutMs: 20_000 });
    return this.disconnections[times - 1] ?? '';
  }

  /** The first such event, told already or still to come. */
  async event<Type extends AsteriskEvent['type']>(type: Type, match: (event: OfType<Type>) => boolean = () => true): Promise<OfType<Type>> {
    const find = (): OfType<Type> | undefined => this.events.find((event): event is OfType<Type> => event.type === type && match(event as OfType<Type>));
    await until(() => (find() === undefined ? `no ${type} among ${this.events.map((event) => event.type).join(' ')}` : undefined), { timeoutMs: 10_000 });
    return find() as OfType<Type>;
  }

  async logged(message: string): Promise<LogLine> {
    const find = (): LogLine | undefined => this.log.find((line) => line.message.includes(message));
    await until(() => (find() === undefined ? `"${message}" is not in the log` : undefined));
    return find() as LogLine;
  }

  warnings(): readonly string[] {
    return this.log.filter((line) => line.level === 'warn').map((line) => line.message);
  }
}
