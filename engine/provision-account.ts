/**
 * Makes one account's objects in Asterisk what they should be, or away. Looks before it writes, as Asterisk may
 * remember more than this process does: it was pushed by an engine that has since been restarted.
 */
import { createHash } from 'node:crypto';
import { AriError, type AsteriskLink } from './asterisk/contract.ts';
import { getConfigObject, putConfigObject, removeConfigObject, type PjsipObject, type PjsipType } from './asterisk/dynamic-config.ts';
import { identifyId, isOurAccountCode, type WantedObject } from './asterisk/pjsip-objects.ts';

export type PushResult = 'pushed' | 'unchanged' | 'shadows';

/** Where an endpoint keeps the digest of all its objects. Asterisk only hands this field on, to functions nobody calls here. */
const DIGEST_FIELD = 'callerid_tag';

/** In the order of pushing: nothing refers to what is not there yet. Removed the other way round. */
const ORDER: readonly PjsipType[] = ['auth', 'aor', 'endpoint', 'identify', 'registration'];

/**
 * `shadows`: an endpoint, or an object it needs, of the same name stands in the operator's pjsip.conf; nothing was
 * changed. Rejects with AriError or InvalidText.
 */
export async function pushAccount(link: AsteriskLink, endpoint: string, objects: readonly WantedObject[]): Promise<PushResult> {
  const digest = digestOf(objects);
  const present = await getConfigObject(link, { type: 'endpoint', id: endpoint });
  if (present !== undefined) {
    if (!isOurAccountCode(present.get('accountcode') ?? '')) return 'shadows';
    if (present.get(DIGEST_FIELD) === digest && (await sameSecret(link, objects))) return 'unchanged';
  }
  if (!(await writeAll(link, objects, digest))) return 'shadows';
  await removeBeyond(link, { endpoint, objects, types: present === undefined ? ['identify'] : ORDER });
  // Each write of an endpoint makes Asterisk look through all of them, so there is no second one without need.
  if (endsLater(objects)) await link.request(putConfigObject({ type: 'endpoint', id: endpoint, fields: { [DIGEST_FIELD]: digest } }));
  return 'pushed';
}

/** True when the endpoint was one that an engine had pushed, and is gone now. */
export async function removeAccount(link: AsteriskLink, endpoint: string): Promise<boolean> {
  const present = await getConfigObject(link, { type: 'endpoint', id: endpoint });
  if (present !== undefined && !isOurAccountCode(present.get('accountcode') ?? '')) return false;
  await removeBeyond(link, { endpoint, objects: [], types: ORDER });
  return true;
}

/** False when an object is the operator's own; what had been written before it is taken back. */
async function writeAll(link: AsteriskLink, objects: readonly WantedObject[], digest: string): Promise<boolean> {
  const written: PjsipObject[] = [];
  // Until everything is in place the endpoint bears no digest: a push that was cut off is then done again.
  const first = endsLater(objects) ? '' : digest;
  try {
    for (const object of inOrder(objects)) {
      await write(link, object.type === 'endpoint' ? withDigest(object, first) : object);
      written.push(object);
    }
    return true;
  } catch (error) {
    if (!(error instanceof AriError) || error.status !== 403) throw error;
    for (const object of written.toReversed()) await removeConfigObject(link, object);
    return false;
  }
}

/** True when something is pushed after the endpoint. */
function endsLater(objects: readonly WantedObject[]): boolean {
  return objects.some((object) => ORDER.indexOf(object.type) > ORDER.indexOf('endpoint'));
}

async function write(link: AsteriskLink, object: WantedObject): Promise<void> {
  if (object.replaceBy !== undefined) {
    const present = await getConfigObject(link, object);
    const wanted = object.fields[object.replaceBy] ?? '';
    if (present !== undefined && network(present.get(object.replaceBy) ?? '') !== network(wanted)) await removeConfigObject(link, object);
  }
  await link.request(putConfigObject(object));
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

async function sameSecret(link: AsteriskLink, objects: readonly WantedObject[]): Promise<boolean> {
  const auth = objects.find((object) => object.type === 'auth');
  if (auth === undefined) return true;
  const present = await getConfigObject(link, auth);
  return present?.get('password') === auth.fields['password'];
}

/** Without the password: the digest can be read where passwords cannot, and a weak one could be guessed from it. */
function digestOf(objects: readonly WantedObject[]): string {
  const open = objects.map((object) => [object.type, object.id, Object.entries(object.fields).filter(([name]) => name !== 'password')]);
  return createHash('sha256').update(JSON.stringify(open)).digest('hex').slice(0, 32);
}

function withDigest(object: WantedObject, digest: string): WantedObject {
  return { ...object, fields: { ...object.fields, [DIGEST_FIELD]: digest } };
}

function inOrder(objects: readonly WantedObject[]): readonly WantedObject[] {
  return objects.toSorted((a, b) => ORDER.indexOf(a.type) - ORDER.indexOf(b.type));
}

/** Asterisk tells `10.0.0.0/24` as `10.0.0.0/255.255.255.0`, and a single address with the mask of all ones. */
function network(text: string): string {
  const [address = '', mask] = text.split('/');
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
