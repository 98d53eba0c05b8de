/** Renders the operator's files of dialplan/ for one lab Asterisk: other ports, passwords and folders, nothing else. */

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toneFile } from './tone-file.ts';

export type AsteriskPlace = {
  folder: string;
  sipPort: number;
  ariPort: number;
  amiPort: number;
  rtp: { first: number; last: number };
  ariPassword: string;
  amiPassword: string;
  labPassword: string;
};

/** AMI user that may do everything, for the lab's own use beside the operator's user. */
export const LAB_AMI_USER = 'lab';

const OPERATOR_FILES = fileURLToPath(new URL('../../dialplan/', import.meta.url));

/** Files that every distribution ships as samples; without them Asterisk logs errors. */
const EMPTY_FILES = ['pjproject', 'websocket_client', 'acl', 'ccss', 'udptl', 'features', 'stasis', 'extconfig', 'res_parking'];

const FOLDERS = ['etc', 'var', 'var/keys', 'var/moh', 'spool', 'run', 'log'];
const MUSIC_HZ = 440;

/** Writes the configuration folder. `additions`: text to append, by file name. */
export function renderConfiguration(place: AsteriskPlace, additions: Record<string, string>): void {
  for (const name of FOLDERS) mkdirSync(join(place.folder, name), { recursive: true });
  const etc = join(place.folder, 'etc');
  for (const name of EMPTY_FILES) writeFileSync(join(etc, `${name}.conf`), '');
  for (const name of readdirSync(OPERATOR_FILES).filter((file) => file.endsWith('.conf'))) {
    const text = readFileSync(join(OPERATOR_FILES, name), 'utf8');
    writeFileSync(join(etc, name), changeOptions(text, labValues(place)[name] ?? {}, name));
  }
  writeFileSync(join(place.folder, 'var', 'moh', 'tone.wav'), toneFile(MUSIC_HZ, 5));
  writeFileSync(join(etc, 'asterisk.conf'), asteriskConf(place.folder));
  // The witness's file is named by its section.
  rewrite(join(etc, 'cel_custom.conf'), (text) => text.replace(/^\[\/.*\]$/m, `[${celFile(place.folder)}]`));
  append(join(etc, 'manager.conf'), `[${LAB_AMI_USER}]\nsecret=${place.labPassword}\nread=all\nwrite=all\n`);
  for (const [name, text] of Object.entries(additions)) append(join(etc, name), text);
}

export function celFile(folder: string): string {
  return join(folder, 'log', 'cel.json');
}

/** Sets options that are in the text already; one that is not is an error, so that lab and operator never drift apart. */
export function changeOptions(text: string, changes: Record<string, Record<string, string>>, name: string): string {
  const waiting = new Map(
    Object.entries(changes).flatMap(([section, options]) =>
      Object.entries(options).map(([key, value]) => [`${section}/${key}`, `${key}=${value}`] as const),
    ),
  );
  let section = '';
  const lines = text.split('\n').map((line) => {
    section = /^\[([^\]]+)\]/.exec(line)?.[1] ?? section;
    const key = /^([\w-]+)\s*=/.exec(line)?.[1];
    const changed = waiting.get(`${section}/${key}`);
    waiting.delete(`${section}/${key}`);
    return changed ?? line;
  });
  if (waiting.size > 0) throw new Error(`${name} lacks ${[...waiting.keys()].join(', ')}, which the lab sets.`);
  return lines.join('\n');
}

function labValues(place: AsteriskPlace): Record<string, Record<string, Record<string, string>>> {
  return {
    'pjsip.conf': { 'transport-udp': { bind: `127.0.0.1:${place.sipPort}` } },
    'ari.conf': { tollgate: { password: place.ariPassword } },
    'http.conf': { general: { bindaddr: '127.0.0.1', bindport: String(place.ariPort) } },
    'manager.conf': { general: { bindaddr: '127.0.0.1', port: String(place.amiPort) }, tollgate: { secret: place.amiPassword } },
    'musiconhold.conf': { default: { directory: join(place.folder, 'var', 'moh') } },
    'rtp.conf': { general: { rtpstart: String(place.rtp.first), rtpend: String(place.rtp.last) } },
  };
}

/** Modules and sounds stay where the package put them; all that Asterisk writes goes to the lab's folder. */
function asteriskConf(folder: string): string {
  const directories = {
    astetcdir: 'etc',
    astvarlibdir: 'var',
    astdbdir: 'var',
    astkeydir: 'var',
    astcachedir: 'var',
    astspooldir: 'spool',
    astrundir: 'run',
    astlogdir: 'log',
  };
  const lines = Object.entries(directories).map(([key, name]) => `${key} => ${join(folder, name)}`);
  return `[directories]\n${lines.join('\n')}\n\n[options]\nnocolor=yes\n`;
}

function append(file: string, text: string): void {
  writeFileSync(file, `\n${text}\n`, { flag: 'a' });
}

function rewrite(file: string, change: (text: string) => string): void {
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}
