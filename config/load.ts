/**
 * Text and environment in, frozen settings out. Pure: the file was read and the environment taken by the caller.
 * Every problem is told at once, with the key, what is wrong with it, and the nearest key there is.
 */
import { closest, distance } from 'fastest-levenshtein';
import { isMap, isScalar, parseDocument } from 'yaml';
import { z } from 'zod';
import { settingsSchema } from './schema.ts';
import type { Settings } from './schema.ts';

export class SettingsError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The settings cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'SettingsError';
    this.problems = problems;
  }
}

type Json = Record<string, unknown>;

/** Environment variables that belong to the product but are no settings. */
const NOT_SETTINGS: ReadonlySet<string> = new Set(['TOLLGATE_CONFIG']);

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The schema behind defaults and arrays, by path; undefined: no such key. */
function schemaAt(path: readonly PropertyKey[]): z.ZodType | undefined {
  let at: unknown = settingsSchema;
  for (const part of path) {
    at = unwrapped(at);
    if (at instanceof z.ZodArray && (typeof part === 'number' || /^\d+$/.test(String(part)))) at = at.element;
    else if (at instanceof z.ZodObject) at = (at.shape as Record<string, unknown>)[String(part)];
    else return undefined;
  }
  return unwrapped(at) as z.ZodType | undefined;
}

function unwrapped(schema: unknown): unknown {
  let at = schema;
  while (at instanceof z.ZodDefault || at instanceof z.ZodPrefault) at = at.def.innerType;
  return at;
}

function keysAt(path: readonly PropertyKey[]): string[] {
  const schema = schemaAt(path);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** `asterisk[0].url` from `ASTERISK_0_URL`: each piece names the key whose capitals it spells. */
function pathOf(name: string): string[] | null {
  const walk = (rest: readonly string[], path: readonly string[]): string[] | null => {
    if (rest.length === 0) return [...path];
    if (schemaAt(path) instanceof z.ZodArray) return /^\d+$/.test(rest[0] ?? '') ? walk(rest.slice(1), [...path, rest[0] ?? '']) : null;
    for (const key of keysAt(path)) {
      const spelled = key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase().split('_');
      if (spelled.every((piece, index) => rest[index] === piece)) {
        const found = walk(rest.slice(spelled.length), [...path, key]);
        if (found !== null) return found;
      }
    }
    return null;
  };
  return walk(name.split('_'), []);
}

/** A variable is text; where the schema wants a number, or true or false, it is read as one. */
function typed(text: string, path: readonly string[]): unknown {
  const schema = schemaAt(path);
  if (schema instanceof z.ZodNumber && /^-?\d+$/.test(text)) return Number(text);
  return schema instanceof z.ZodBoolean && (text === 'true' || text === 'false') ? text === 'true' : text;
}

function put(target: Json, path: readonly string[], value: unknown): void {
  let at: Json | unknown[] = target;
  path.forEach((key, index) => {
    const here = at as Json;
    if (index === path.length - 1) here[key] = value;
    else at = (here[key] ??= /^\d+$/.test(path[index + 1] ?? '') ? [] : {}) as Json;
  });
}

function nearest(key: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const best = closest(key, [...known]);
  return distance(key, best) <= Math.max(3, key.length / 2) ? `; the nearest key is ${best}` : `; the keys are ${known.join(', ')}`;
}

function spelled(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`), '');
}

/** Never shows a value: it may be a password. */
function problemsOf(error: z.ZodError): string[] {
  return error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [`${spelled(issue.path) || 'the file'}: ${issue.message}`];
    return issue.keys.map((key) => `${spelled([...issue.path, key])}: there is no such setting${nearest(key, keysAt(issue.path))}`);
  });
}

function parsed(text: string, problems: string[]): Json {
  const document = parseDocument(text, { uniqueKeys: true });
  for (const error of document.errors) problems.push(error.message.split('\n')[0] ?? error.message);
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) return {};
  if (!isMap(document.contents)) problems.push('the file: must hold settings as `key: value`');
  const value: unknown = document.errors.length > 0 ? {} : document.toJS();
  return isObject(value) ? value : {};
}

function environmentOver(json: Json, env: Readonly<Record<string, string | undefined>>, problems: string[]): void {
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('TOLLGATE_') || NOT_SETTINGS.has(name) || text === undefined) continue;
    const path = pathOf(name.slice('TOLLGATE_'.length));
    if (path === null) problems.push(`${name}: no setting is set by this variable`);
    else put(json, path, typed(text, path));
  }
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

function duplicates(settings: Settings): string[] {
  const ids = settings.asterisk.map((one) => one.id);
  return ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `asterisk: the id ${id} stands twice`);
}

function apart(settings: Settings): string[] {
  const { reservation, reconnect } = settings;
  return [
    ...settings.asterisk.flatMap(({ ami }, index) => (ami.url !== '' && ami.secret === '' ? [`asterisk[${index}].ami.secret: is empty: set the secret of manager.conf, or leave asterisk[${index}].ami.url empty`] : [])),
    ...(reservation.extendBeforeS < reservation.sliceS ? [] : ['reservation.extendBeforeS: must be smaller than reservation.sliceS']),
    ...(reconnect.minMs <= reconnect.maxMs ? [] : ['reconnect.minMs: must not be greater than reconnect.maxMs']),
  ];
}

/** Throws SettingsError with all problems. `TOLLGATE_ASTERISK_0_PASSWORD` and its like stand over the file. */
export function loadSettings(text: string, env: Readonly<Record<string, string | undefined>>): Settings {
  const problems: string[] = [];
  const json = parsed(text, problems);
  environmentOver(json, env, problems);
  const result = settingsSchema.safeParse(json);
  if (!result.success) problems.push(...problemsOf(result.error));
  if (result.success) problems.push(...duplicates(result.data), ...apart(result.data));
  if (problems.length > 0 || !result.success) throw new SettingsError(problems);
  return frozen(result.data);
}
