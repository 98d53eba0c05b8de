/**
 * Prompts into calls: one side hears it beside the other, through a channel of its own that whispers to it. Whatever goes
 * wrong, the call goes on and the log says so.
 */
import { hangup, play, whisperTo } from './asterisk/commands.ts';
import { AriError } from './asterisk/contract.ts';
import type { AriRequest, AsteriskEvent, AsteriskLink } from './asterisk/contract.ts';
import type { Log } from './ports.ts';

/** Marks a whispering channel when it enters the application. */
export const PROMPT_ARGUMENT = 'prompt';
const ID_PREFIX = 'prompt-';
const NORMAL = 16;

export interface PromptParts {
  readonly link: AsteriskLink;
  readonly app: string;
  /** In Asterisk's words, e.g. `sound:beep`. */
  readonly media: string;
}

export class Prompts {
  readonly #parts: PromptParts;
  /** By the whispering channel. */
  readonly #playing = new Map<string, Log>();

  constructor(parts: PromptParts) {
    this.#parts = parts;
  }

  /** True for channels of this process's prompts. */
  knows(channelId: string): boolean {
    return this.#playing.has(channelId);
  }

  play(channelId: string, log: Log): void {
    const id = ID_PREFIX + channelId;
    this.#playing.set(id, log);
    this.#order(id, whisperTo(channelId, { id, app: this.#parts.app, appArgs: [PROMPT_ARGUMENT] }));
  }

  /** Of no effect when it has ended. */
  stop(channelId: string): void {
    if (this.#playing.has(ID_PREFIX + channelId)) this.#end(ID_PREFIX + channelId);
  }

  /** False: it is no event of a prompt. */
  receive(event: AsteriskEvent): boolean {
    if (event.type === 'playbackFinished') {
      this.#finished(event);
      return true;
    }
    const { channelId } = event;
    if (!channelId.startsWith(ID_PREFIX)) return false;
    // One that another process began, or that was stopped before it was there, ends.
    if (event.type === 'stasisStart') this.#order(channelId, this.knows(channelId) ? play(channelId, channelId, [this.#parts.media]) : hangup(channelId, NORMAL));
    if (event.type === 'destroyed') this.#playing.delete(channelId);
    return true;
  }

  #finished({ playbackId, failed }: Extract<AsteriskEvent, { type: 'playbackFinished' }>): void {
    const log = this.#playing.get(playbackId);
    if (log === undefined) return;
    // A caller who hung up meanwhile ends it too.
    if (failed) log.warn({ media: this.#parts.media }, 'The prompt was not played to its end: the call is over, or there is no such sound');
    this.#end(playbackId);
  }

  #end(id: string): void {
    this.#order(id, hangup(id, NORMAL));
    this.#playing.delete(id);
  }

  #order(id: string, request: AriRequest): void {
    const log = this.#playing.get(id);
    this.#parts.link.request(request).catch((error: unknown) => {
      this.#playing.delete(id);
      // 404: the call is over.
      if (!(error instanceof AriError && error.status === 404)) log?.warn({ err: error }, 'A prompt could not be played');
    });
  }
}
