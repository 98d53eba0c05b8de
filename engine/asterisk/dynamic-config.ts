/** Asterisk's objects of res_pjsip that are written through ARI and kept in its own astdb (see dialplan/sorcery.conf). */
import { AriError, type AriRequest, type AsteriskLink } from './contract.ts';
import { InvalidText, pathSegment, safeText } from './encode.ts';

export type PjsipType = 'auth' | 'aor' | 'endpoint' | 'identify' | 'registration';

export interface PjsipObject {
  readonly type: PjsipType;
  readonly id: string;
  /** In this order; a name stands once (astdb keeps only one value of a name). */
  readonly fields: Readonly<Record<string, string>>;
}

/** In force at once, and after a restart. A field left out keeps what it had. 403: the object is the operator's own, from pjsip.conf. */
export function putConfigObject(object: PjsipObject): AriRequest {
  const fields = Object.entries(object.fields).map(([attribute, value]) => ({ attribute, value: fieldValue(attribute, value) }));
  return { method: 'PUT', path: pathOf(object), body: { fields } };
}

export function deleteConfigObject(object: Pick<PjsipObject, 'type' | 'id'>): AriRequest {
  return { method: 'DELETE', path: pathOf(object) };
}

/** All its fields, also those nobody set; undefined when there is no such object. Rejects with AriError. */
export async function getConfigObject(link: AsteriskLink, object: Pick<PjsipObject, 'type' | 'id'>): Promise<ReadonlyMap<string, string> | undefined> {
  const found = await unlessMissing(link.request({ method: 'GET', path: pathOf(object) }));
  return found === undefined ? undefined : readFields(found);
}

/** True when there was such an object. Rejects with AriError for any other refusal than "not found". */
export async function removeConfigObject(link: AsteriskLink, object: Pick<PjsipObject, 'type' | 'id'>): Promise<boolean> {
  return (await unlessMissing(link.request(deleteConfigObject(object)).then(() => true))) !== undefined;
}

async function unlessMissing<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof AriError && error.status === 404) return undefined;
    throw error;
  }
}

function readFields(answer: unknown): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const each of Array.isArray(answer) ? (answer as unknown[]) : []) {
    if (typeof each !== 'object' || each === null) continue;
    const { attribute, value } = each as Record<string, unknown>;
    if (typeof attribute === 'string' && typeof value === 'string') fields.set(attribute, value);
  }
  return fields;
}

function pathOf(object: Pick<PjsipObject, 'type' | 'id'>): string {
  return `/asterisk/config/dynamic/res_pjsip/${object.type}/${pathSegment('object id', object.id)}`;
}

/** A secret that would be changed silently is worse than one that is refused. */
function fieldValue(attribute: string, value: string): string {
  if (safeText(value) !== value) throw new InvalidText(attribute, 'holds control characters or is too long');
  return value;
}
