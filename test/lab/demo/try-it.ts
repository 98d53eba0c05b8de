/** How to go on by oneself while the demo stays up. */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { labFolder } from '../lab-folder.ts';
import { findPrograms } from '../programs.ts';
import { commandLine } from './command.ts';
import type { DemoStage } from './stage.ts';

export async function howToTry({ asterisk, engine, postgresUrl, redisUrl }: DemoStage): Promise<string> {
  const file = engine.settingsFile;
  // redis-cli wants to be told that a password alone is that of the default user.
  const redis = `${await clientCommand('redis-cli')} --no-auth-warning -u ${redisUrl.replace('//:', '//default:')}`;
  const psql = `${await clientCommand('psql')} '${postgresUrl}'`;
  return `
Everything stays up until Ctrl-C.${process.stdin.isTTY ? ' A letter from a to g and Enter place that call again.' : ''} From another terminal of this machine:

# with a softphone: server ${asterisk.host}, port ${asterisk.sipPort}, UDP, user anna, password annas-password
# (or ben, bens-password; dora, doras-password); 861234567 answers and echoes, 4930123456 fails over, 370900123456 is refused

# what would happen to a call, and why
${commandLine(file, 'route', 'anna', '4930123456')}
${commandLine(file, 'route', 'provider-1', '37088888000', '--from', '4930777777')}

# calls that are up; whether all is well
${commandLine(file, 'calls')}
${commandLine(file, 'doctor')}
curl ${engine.healthUrl}/health

# the keys in Redis, CDRs in Postgres, money for Dora, the engine's log
${redis} --scan --pattern 'tollgate:*'
${psql} -c 'select src, dst, disposition, hangup_cause, billsec, user_price from calls order by calldate'
${psql} -c "select change_balance('user', id, 0.05, 'payment') from users where username = 'dora'"
tail -f ${engine.logFile}
`;
}

/** Without a client of its own, the machine has the private root's. */
async function clientCommand(name: string): Promise<string> {
  if ((process.env['PATH'] ?? '').split(delimiter).some((folder) => isExecutable(join(folder, name)))) return name;
  const { origin } = await findPrograms(labFolder());
  return origin.startsWith('/') ? `chroot ${origin} ${name}` : name;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
