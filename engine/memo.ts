/**
 * A call as bytes, for whoever takes it over. V8's serialization keeps what JSON loses: big integers, and that a payer's
 * rate is the level's. It is read by this product only, out of its own Redis.
 */
import { deserialize, serialize } from 'node:v8';
import type { Cdr } from './call/admission.ts';
import type { Call } from './call/state.ts';

/** Raised when what stands in a memo changes its form: a call of an older form is not led on, but closed. */
const FORM = 1;

export function encodeCall(call: Call): Uint8Array {
  return serialize([FORM, call]);
}

export function encodePast(past: readonly Cdr[]): Uint8Array {
  return serialize([FORM, past]);
}

function read(bytes: Uint8Array): unknown {
  const found = deserialize(bytes) as unknown;
  return Array.isArray(found) && found[0] === FORM ? found[1] : null;
}

/** null: of another form. */
export function decodeCall(bytes: Uint8Array): Call | null {
  return read(bytes) as Call | null;
}

export function decodePast(bytes: Uint8Array | null): readonly Cdr[] {
  return bytes === null ? [] : ((read(bytes) ?? []) as readonly Cdr[]);
}
