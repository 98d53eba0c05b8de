/**
 * A call as bytes, for whoever takes it over. MessagePack with records keeps what JSON loses (big integers, and that a payer's
 * rate is the level's) in half of the bytes and of the time that V8's serialization takes. It is read by this product only,
 * out of its own Redis.
 */
import { Packr } from 'msgpackr';
import type { Cdr } from './call/admission.ts';
import type { Call } from './call/state.ts';

/** Raised when what stands in a memo changes its form: a call of an older form is not led on, but closed. */
const FORM = 2;

const PACKR = new Packr({ structuredClone: true, moreTypes: true, useBigIntExtension: true });

/** `past`: rows of failed attempts, where they do not stand beside it. */
export function encodeCall(call: Call, past: readonly Cdr[] = []): Uint8Array {
  return PACKR.pack(past.length === 0 ? [FORM, call] : [FORM, call, past]);
}

export function encodePast(past: readonly Cdr[]): Uint8Array {
  return PACKR.pack([FORM, past]);
}

/** Empty: of another form. */
function read(bytes: Uint8Array): readonly unknown[] {
  try {
    const found = PACKR.unpack(bytes) as unknown;
    return Array.isArray(found) && found[0] === FORM ? found.slice(1) : [];
  } catch {
    return [];
  }
}

/** null: of another form. */
export function decodeCall(bytes: Uint8Array): Call | null {
  return (read(bytes)[0] ?? null) as Call | null;
}

/** As the last failover told them, else as they were written down with the call. */
export function decodePast({ memo, past }: { readonly memo: Uint8Array | null; readonly past: Uint8Array | null }): readonly Cdr[] {
  const found = past !== null ? read(past)[0] : memo !== null ? read(memo)[1] : null;
  return (found ?? []) as readonly Cdr[];
}
