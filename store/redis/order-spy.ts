/** An order to spy, for whoever gives it: a command, a page. */
import { sendCommand } from './commands.ts';
import type { CommandAnswer } from './commands.ts';

export interface SpyWish {
  readonly call: string;
  readonly device: string;
  /** User name; '': the admin. */
  readonly as: string;
  readonly side: '' | 'caller' | 'callee';
  /** The account that gives the order. */
  readonly by: string;
}

/** What the daemon answers when the device is not registered where the call is. */
export const NOT_REGISTERED = 'not_registered';

/**
 * Asks the daemon that leads the call's Asterisk. It rings the device where that is registered; if it is so at another
 * Asterisk only, that one's daemon knows the address. Rejects when Redis is away.
 */
export async function orderSpy(redisUrl: string, { by, ...fields }: SpyWish, serverIds: readonly number[]): Promise<CommandAnswer> {
  const serverId = Number.parseInt(fields.call, 10);
  const first = await sendCommand(redisUrl, { name: 'spy', serverId, by, fields });
  if (first.done || first.code !== NOT_REGISTERED) return first;
  for (const other of serverIds.filter((id) => id !== serverId)) {
    const found = await sendCommand(redisUrl, { name: 'contact', serverId: other, by, fields: { device: fields.device } });
    if (found.done) return sendCommand(redisUrl, { name: 'spy', serverId, by, fields: { ...fields, contact: found.fields['contact'] ?? '' } });
  }
  return serverIds.length < 2 ? first : { ...first, reason: `The device ${fields.device} is registered at no Asterisk.` };
}
