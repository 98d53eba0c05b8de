/**
 * Makes one account's objects in Asterisk what they should be, or away. Looks before it writes, as Asterisk may
 * remember more than this process does: it was pushed by an engine that has since been restarted.
 */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { AriError, type AsteriskLink } from './asterisk/contract.ts';
import { getConfigObject, putConfigObject, removeConfigObject, type PjsipObject, type PjsipType } from './asterisk/dynamic-config.ts';
import { identifyId, isOurAccountCode, type WantedObject } from './asterisk/pjsip-objects.ts';

/** Where an endpoint keeps the digest of all its objects. Asterisk only hands this field on, to functions nobody calls here. */
const DIGEST_FIELD = 'callerid_tag';

/** In the order of pushing: nothing refers to what is not there yet. Removed the other way round. */
const ORDER: readonly PjsipType[] = ['auth', 'aor', 'endpoint', 'identify', 'registration'];

/**
 * One account on its way to Asterisk, in stages: each new AOR makes Asterisk look through all endpoints, so many
 * accounts go stage by stage together (a third of the time, measured with a thousand). Every stage may reject with
 * AriError or InvalidText; the account is then pushed anew later.
 */
export class AccountPush {
  static readonly stages: readonly ((push: AccountPush) => Promise<void>)[] = [
    (push) => push.#look(),
    ...ORDER.map((type) => (push: AccountPush) => push.#write(type)),
    (push) => push.#finish(),
  ];

  readonly endpoint: string;
  /**
   * Undefined while there is more to do. `shadows`: an endpoint, or an object it needs, of the same name stands in the
   * operator's pjsip.conf; nothing was changed.
   */
  result: 'pushed' | 'unchanged' | 'shadows' | undefined;
  readonly #link: AsteriskLink;
  readonly #objects: readonly WantedObject[];
  readonly #written: PjsipObject[] = [];
  #isNew = true;

  constructor(link: AsteriskLink, endpoint: string, objects: readonly WantedObject[]) {
    this.#link = link;
    this.endpoint = endpoint;
    this.#objects = objects.map((object) => (object.type === 'endpoint' ? withDigest(object, digestOf(objects)) : object));
  }

  async #look(): Promise<void> {
    const present = await getConfigObject(this.#link, { type: 'endpoint', id: this.endpoint });
    this.#isNew = present === undefined;
    if (present === undefined) return;
    if (!isOurAccountCode(present.get('accountcode') ?? '')) this.result = 'shadows';
    else if (present.get(DIGEST_FIELD) === digestOf(this.#objects) && (await this.#isComplete())) this.result = 'unchanged';
  }

  /** The digest tells of the endpoint; what is pushed after it, or is not part of the digest, is looked at itself. */
  async #isComplete(): Promise<boolean> {
    for (const object of this.#objects) {
      const field = object.type === 'auth' ? 'password' : object.replaceBy;
      if (field === undefined || object.fields[field] === undefined) continue;
      const present = await getConfigObject(this.#link, object);
      if (told(present?.get(field) ?? '') !== told(object.fields[field])) return false;
    }
    await removeBeyond(this.#link, { endpoint: this.endpoint, objects: this.#objects, types: ['identify', 'registration'] });
    return true;
  }

  async #write(type: PjsipType): Promise<void> {
    for (const object of this.#objects) {
      if (object.type !== type || this.result !== undefined) continue;
      try {
        // Never updated: Asterisk's copy of an endpoint without a caller id of its own has the number `unknown`, which would
        // then stand for every caller's.
        if (type === 'endpoint' && !this.#isNew) await removeConfigObject(this.#link, object);
        await write(this.#link, object);
        this.#written.push(object);
      } catch (error) {
        if (!(error instanceof AriError) || error.status !== 403) throw error;
        this.result = 'shadows';
        for (const written of this.#written.toReversed()) await removeConfigObject(this.#link, written);
      }
    }
  }

  async #finish(): Promise<void> {
    await removeBeyond(this.#link, { endpoint: this.endpoint, objects: this.#objects, types: this.#isNew ? ['identify'] : ORDER });
    this.result = 'pushed';
  }
}

/** True when the endpoint was one that an engine had pushed, and is gone now. */
export async function removeAccount(link: AsteriskLink, endpoint: string): Promise<boolean> {
  const present = await getConfigObject(link, { type: 'endpoint', id: endpoint });
  if (present !== undefined && !isOurAccountCode(present.get('accountcode') ?? '')) return false;
  await removeBeyond(link, { endpoint, objects: [], types: ORDER });
  return true;
}

async function write(link: AsteriskLink, object: WantedObject): Promise<void> {
  const { replaceBy } = object;
  if (replaceBy !== undefined) {
    const present = await getConfigObject(link, object);
    if (present !== undefined && isSame(present, object)) return;
    const wanted = object.fields[replaceBy] ?? '';
    // An update would add the same address once more, and once more with each change of something else.
    if (present !== undefined && (wanted !== '' || present.get(replaceBy) !== '')) await removeConfigObject(link, object);
  }
  await link.request(putConfigObject(object));
}

function isSame(present: ReadonlyMap<string, string>, object: WantedObject): boolean {
  return Object.entries(object.fields).every(([name, value]) => told(present.get(name) ?? '') === told(value));
}

interface Removal {
  readonly endpoint: string;
  /** What stays. */
  readonly objects: readonly WantedObject[];
  readonly types: readonly PjsipType[];
}

/** Removes what the account had and has no more, in the reverse order of pushing. */
async function removeBeyond(link: AsteriskLink, removal: Removal): Promise<void> {
  const { endpoint, objects } = removal;
  const kept = (type: PjsipType): number => objects.filter((object) => object.type === type).length;
  for (const type of removal.types.toReversed()) {
    if (type === 'identify') await removeIdentifies(link, endpoint, kept('identify') + 1);
    else if (kept(type) === 0) await removeConfigObject(link, { type, id: endpoint });
  }
}

/** They are numbered without a gap, so the first one missing is the end. */
async function removeIdentifies(link: AsteriskLink, endpoint: string, from: number): Promise<void> {
  let n = from;
  while (await removeConfigObject(link, { type: 'identify', id: identifyId(endpoint, n) })) n += 1;
}

/** Without the password: the digest can be read where passwords cannot, and a weak one could be guessed from it. */
function digestOf(objects: readonly WantedObject[]): string {
  const open = objects.map((object) => [object.type, object.id, Object.entries(object.fields).filter(([name]) => name !== 'password' && name !== DIGEST_FIELD)]);
  return createHash('sha256').update(JSON.stringify(open)).digest('hex').slice(0, 32);
}

function withDigest(object: WantedObject, digest: string): WantedObject {
  return { ...object, fields: { ...object.fields, [DIGEST_FIELD]: digest } };
}

/** A value as Asterisk may tell it: `yes` as `true`, `10.0.0.0/24` as `10.0.0.0/255.255.255.0`, an address with the mask of all ones. */
function told(value: string): string {
  if (value === 'yes' || value === 'no') return value === 'yes' ? 'true' : 'false';
  const [address = '', mask] = value.split('/');
  if (isIP(address) === 0) return value;
  const bits = mask === undefined ? undefined : maskBits(mask);
  return bits === undefined || bits === (address.includes(':') ? 128 : 32) ? address : `${address}/${bits}`;
}

function maskBits(mask: string): number {
  if (/^\d+$/.test(mask)) return Number(mask);
  const [radix, width] = mask.includes(':') ? [16, 16] : [10, 8];
  const parts = mask.split(mask.includes(':') ? ':' : '.');
  // In a mask only zeros follow the first zero, and `::` stands for zeros.
  return parts.map((part) => (part === '' ? 0 : Number.parseInt(part, radix).toString(2).padStart(width, '0').replace(/0*$/, '').length)).reduce((sum, bits) => sum + bits, 0);
}
