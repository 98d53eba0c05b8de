/** Daemons by name: whoever shares this machine can tell whether another is still there. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** `host:pid:random`; never the same twice. */
export function daemonName(): string {
  return `${hostname().replaceAll(/\s/g, '')}:${process.pid}:${randomBytes(4).toString('hex')}`;
}

/** Only of a daemon of this host: its process is gone. Whatever is wrong about this, the fence makes it harmless. */
export function isDeadHere(name: string): boolean {
  const [host, pid] = name.split(':');
  if (host !== hostname().replaceAll(/\s/g, '') || !/^[1-9]\d*$/.test(pid ?? '')) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
